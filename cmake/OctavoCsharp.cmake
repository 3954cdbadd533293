# The native half of the C# package: SWIG's wrapper of octavo.h with the whole library inside, nothing exported but the
# wrapper. SWIG also writes the C# half, into build/<preset>/csharp, for bindings/csharp/build.sh to compile.
find_program(SWIG_EXECUTABLE swig REQUIRED)
if(NOT TARGET octavo_static)
  message(FATAL_ERROR "OCTAVO_CSHARP needs capi/sources.list")
endif()

set(interface ${PROJECT_SOURCE_DIR}/bindings/csharp/octavo.i)
set(header ${PROJECT_SOURCE_DIR}/capi/include)
set(generated ${PROJECT_BINARY_DIR}/csharp)
file(MAKE_DIRECTORY ${generated})
add_custom_command(
  OUTPUT ${generated}/octavo_csharp.c
  BYPRODUCTS ${generated}/Native.cs ${generated}/NativePINVOKE.cs
  COMMAND ${SWIG_EXECUTABLE} -csharp -Werror -namespace Octavo.Interop -dllimport octavo_csharp
          -DSWIG_CSHARP_NO_EXCEPTION_HELPER -DSWIG_CSHARP_NO_STRING_HELPER -DSWIG_CSHARP_NO_IMCLASS_STATIC_CONSTRUCTOR
          -I${header} -outdir ${generated} -o ${generated}/octavo_csharp.c ${interface}
  DEPENDS ${interface} ${header}/octavo/octavo.h
  VERBATIM)

add_library(octavo_csharp MODULE ${generated}/octavo_csharp.c)
set_target_properties(octavo_csharp PROPERTIES C_STANDARD 11 LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY ${generated})
target_compile_options(octavo_csharp PRIVATE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= ${OCTAVO_SMALL_FLAGS}
                                             -fno-strict-aliasing)
target_link_libraries(octavo_csharp PRIVATE octavo_static)
target_link_options(octavo_csharp PRIVATE ${OCTAVO_LINK_FLAGS})
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(octavo_csharp PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/csharp.map)
endif()
if(CMAKE_STRIP AND CMAKE_BUILD_TYPE MATCHES "^(Release|MinSizeRel)$")
  add_custom_command(TARGET octavo_csharp POST_BUILD COMMAND ${CMAKE_STRIP} -x $<TARGET_FILE:octavo_csharp>)
endif()
