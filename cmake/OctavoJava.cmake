# The Java native library liboctavo_jni: SWIG's marshalling of octavo.h, the whole library inside, nothing exported but JNI.
# bindings/java/pom.xml takes SWIG's Java half from java/src of the build tree and the library, laid out as it will lie in
# its jar, from java/native.
find_package(SWIG REQUIRED COMPONENTS java)
find_package(Java REQUIRED COMPONENTS Development)
file(REAL_PATH ${Java_JAVAC_EXECUTABLE} javac)
find_path(OCTAVO_JNI_INCLUDE jni.h HINTS ENV JAVA_HOME ${javac}/../.. PATH_SUFFIXES include REQUIRED)
find_path(OCTAVO_JNI_MD_INCLUDE jni_md.h PATHS ${OCTAVO_JNI_INCLUDE} PATH_SUFFIXES linux darwin win32 NO_DEFAULT_PATH REQUIRED)

set(interface ${PROJECT_SOURCE_DIR}/bindings/java/src/main/swig/octavo.i)
set(glue ${PROJECT_SOURCE_DIR}/bindings/java/src/main/swig/glue.h)
set(header ${PROJECT_SOURCE_DIR}/capi/include/octavo/octavo.h)
set(java ${CMAKE_BINARY_DIR}/java/src/org/octavo)
string(TOLOWER ${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR} platform)
set(wrap ${CMAKE_BINARY_DIR}/java/octavo_wrap.c)
add_custom_command(
  OUTPUT ${wrap}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${java}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${java}
  COMMAND ${SWIG_EXECUTABLE} -java -Werror -package org.octavo -I${PROJECT_SOURCE_DIR}/capi/include -outdir ${java} -o ${wrap} ${interface}
  DEPENDS ${interface} ${header}
  VERBATIM)
set_source_files_properties(${wrap} PROPERTIES OBJECT_DEPENDS ${glue})

add_library(octavo_jni MODULE ${wrap})
set_target_properties(octavo_jni PROPERTIES LINKER_LANGUAGE CXX C_STANDARD 11
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/java/native/org/octavo/native/${platform})
target_include_directories(octavo_jni PRIVATE ${PROJECT_SOURCE_DIR}/bindings/java/src/main/swig)
target_include_directories(octavo_jni SYSTEM PRIVATE ${OCTAVO_JNI_INCLUDE} ${OCTAVO_JNI_MD_INCLUDE})
target_compile_options(octavo_jni PRIVATE -fno-strict-aliasing -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= ${OCTAVO_WARNINGS})
target_link_libraries(octavo_jni PRIVATE octavo_static)
target_link_options(octavo_jni PRIVATE ${OCTAVO_LINK_FLAGS})
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(octavo_jni PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/java.map)
endif()
if(CMAKE_STRIP AND CMAKE_BUILD_TYPE MATCHES "^(Release|MinSizeRel)$")
  add_custom_command(TARGET octavo_jni POST_BUILD COMMAND ${CMAKE_STRIP} -x $<TARGET_FILE:octavo_jni>)
endif()
