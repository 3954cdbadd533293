# Compiler and linker flags. meson.build holds the same ones; tests/tools/check_builds.py compares.
include(CheckCXXCompilerFlag)
include(CheckLinkerFlag)

if(OCTAVO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(OCTAVO_CCACHE_PROGRAM ccache)
  if(OCTAVO_CCACHE_PROGRAM)
    # Paths below the repository are hashed relative to it, so that several checkouts share one cache.
    set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${OCTAVO_CCACHE_PROGRAM})
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  endif()
endif()
if(OCTAVO_LLD)
  find_program(OCTAVO_LLD_PROGRAM ld.lld)
  if(OCTAVO_LLD_PROGRAM)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

# Release is -O2: what is hot are the kernels, which ask for -O3 themselves; the rest only grows by it.
foreach(language C CXX)
  string(REPLACE "-O3" "-O2" CMAKE_${language}_FLAGS_RELEASE "${CMAKE_${language}_FLAGS_RELEASE}")
endforeach()

# Everything that is compiled with the core, tests included.
add_library(octavo_flags INTERFACE)
target_include_directories(octavo_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/capi/include)
target_compile_definitions(octavo_flags INTERFACE _FILE_OFFSET_BITS=64) # large files on 32-bit systems, as Meson has it
target_compile_features(octavo_flags INTERFACE cxx_std_20)
set(OCTAVO_FLAGS -ffp-contract=off -ffunction-sections -fdata-sections -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
set(OCTAVO_WARNINGS -Wall -Wextra -Wshadow -Wvla)
if(OCTAVO_WERROR)
  list(APPEND OCTAVO_WARNINGS -Werror)
endif()
set(OCTAVO_KERNEL_FLAGS -O3 -fno-math-errno)
# Code that runs once a model, not once a value: half the size at no cost that anybody notices.
set(OCTAVO_SMALL_FLAGS $<$<NOT:$<CONFIG:Debug>>:-Os>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND OCTAVO_FLAGS $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
  list(APPEND OCTAVO_KERNEL_FLAGS -fno-tree-pre) # partial redundancy elimination costs the dot-product loops up to 3x
endif()
if(OCTAVO_SANITIZE)
  list(APPEND OCTAVO_FLAGS -fsanitize=${OCTAVO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(octavo_flags INTERFACE -fsanitize=${OCTAVO_SANITIZE})
  set(OCTAVO_KERNEL_FLAGS -O1 -fno-math-errno)
  set(OCTAVO_SMALL_FLAGS "")
endif()
target_compile_options(octavo_flags INTERFACE ${OCTAVO_FLAGS} ${OCTAVO_WARNINGS})

# What the shared library is linked with: self-contained, nothing of C++ or of a dependency visible.
set(OCTAVO_LINK_FLAGS -Wl,--exclude-libs,ALL -Wl,-z,relro,-z,now -Wl,--gc-sections)
if(OCTAVO_SANITIZE)
  set(OCTAVO_LINK_FLAGS "")
else()
  # A libstdc++ of its own reserves 72 KiB when the library is loaded, for exceptions thrown without memory. Its function
  # that gives them back runs when the library is unloaded.
  list(APPEND OCTAVO_LINK_FLAGS -static-libstdc++ -static-libgcc -Wl,-fini=_ZN9__gnu_cxx9__freeresEv)
endif()
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(OCTAVO_LINK_FLAGS "")
endif()
