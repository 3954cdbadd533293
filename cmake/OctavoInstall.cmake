# Installed files: include/octavo/*.h, the library, lib/cmake/octavo, lib/pkgconfig/octavo.pc. Everything relocatable.
include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/octavo)

octavo_read_list(headers capi/headers.list)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/octavo COMPONENT dev)

set(targets "")
if(TARGET octavo)
  list(APPEND targets octavo)
endif()
if(OCTAVO_STATIC)
  list(APPEND targets octavo_static)
endif()
install(TARGETS ${targets} EXPORT octavo
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(EXPORT octavo NAMESPACE octavo:: FILE octavoTargets.cmake DESTINATION ${config_dir} COMPONENT dev)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/octavoConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/octavoConfig.cmake
                              INSTALL_DESTINATION ${config_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/octavoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/octavoConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/octavoConfigVersion.cmake
        DESTINATION ${config_dir} COMPONENT dev)

# ${pcfiledir} keeps the .pc file true after the tree is moved.
file(RELATIVE_PATH OCTAVO_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" OCTAVO_PC_PREFIX "${OCTAVO_PC_PREFIX}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/octavo.pc.in ${CMAKE_CURRENT_BINARY_DIR}/octavo.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/octavo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
