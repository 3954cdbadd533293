# Installed files: include/octavo/*.h, the library, lib/cmake/octavo, lib/pkgconfig/octavo.pc. Everything relocatable, and the
# same as what meson.build installs (tests/tools/check_builds.py).
octavo_read_list(headers capi/headers.list)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/octavo COMPONENT dev)

if(TARGET octavo)
  install(TARGETS octavo
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
endif()
if(OCTAVO_STATIC)
  install(TARGETS octavo_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
endif()

# The way back to the prefix from lib/cmake/octavo and lib/pkgconfig.
string(REGEX REPLACE "[^/]+" ".." up "${CMAKE_INSTALL_LIBDIR}")
set(OCTAVO_CONFIG_TO_PREFIX ${up}/../..)
set(OCTAVO_PC_TO_PREFIX ${up}/..)
set(OCTAVO_LIBDIR ${CMAKE_INSTALL_LIBDIR})
set(OCTAVO_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
set(OCTAVO_LIBRARY_FILE ${CMAKE_SHARED_LIBRARY_PREFIX}octavo${CMAKE_SHARED_LIBRARY_SUFFIX}.${PROJECT_VERSION})
set(OCTAVO_SONAME ${CMAKE_SHARED_LIBRARY_PREFIX}octavo${CMAKE_SHARED_LIBRARY_SUFFIX}.${PROJECT_VERSION_MAJOR})
if(APPLE)
  set(OCTAVO_LIBRARY_FILE liboctavo.${PROJECT_VERSION}.dylib)
  set(OCTAVO_SONAME @rpath/liboctavo.${PROJECT_VERSION_MAJOR}.dylib)
endif()
foreach(file octavoConfig.cmake octavoConfigVersion.cmake octavo.pc)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${file}.in ${CMAKE_CURRENT_BINARY_DIR}/${file} @ONLY)
endforeach()
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/octavoConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/octavoConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octavo COMPONENT dev)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/octavo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
