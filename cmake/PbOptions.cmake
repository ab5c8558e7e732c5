# SPDX-License-Identifier: MIT
# Options of the build, and the flags that hold for every target.

option(PB_WERROR "Treat warnings as errors (the presets set it)" OFF)
option(PB_SHARED "Build libpagebuddy.so beside libpagebuddy.a" ON)
# What the core may leave out: core/base/options.h. Those off are passed to it.
file(STRINGS "${PROJECT_SOURCE_DIR}/core/base/options.h" PB_PARTS REGEX "^#ifndef PB_WITH_")
list(TRANSFORM PB_PARTS REPLACE "#ifndef PB_WITH_" "")
foreach(part IN LISTS PB_PARTS)
  option(PB_WITH_${part} "Build the core with it: core/base/options.h" ON)
endforeach()
option(PB_COVERAGE "Instrument for gcov" OFF)
set(PB_SANITIZE "" CACHE STRING
  "Sanitizer: address, undefined or thread; fuzzer: the first two, for libFuzzer's targets")
set_property(CACHE PB_SANITIZE PROPERTY STRINGS "" address undefined thread fuzzer)
set(PB_BUILD_TESTS AUTO CACHE STRING
  "Build the tests: ON, OFF, or AUTO (if cmocka is there and pagebuddy is the top-level project)")
set_property(CACHE PB_BUILD_TESTS PROPERTY STRINGS AUTO ON OFF)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()
# -g costs no time at run time and makes perf, gdb and valgrind useful.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g3")

# ISO C11 for the core, which sets C_EXTENSIONS OFF; GNU C11 elsewhere.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_compile_options(-Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wshadow -Wpointer-arith -Wwrite-strings -Wundef -Wvla
  -fno-common -fno-semantic-interposition)
if(PB_WERROR)
  add_compile_options(-Werror)
endif()

set(PB_INSTRUMENTED OFF)
set(PB_FUZZER OFF)
if(PB_SANITIZE)
  if(NOT PB_SANITIZE MATCHES "^(address|undefined|thread|fuzzer)$")
    message(FATAL_ERROR
      "PB_SANITIZE is '${PB_SANITIZE}': expected address, undefined, thread or fuzzer")
  endif()
  set(PB_INSTRUMENTED ON)
  set(sanitizers ${PB_SANITIZE})
  if(PB_SANITIZE STREQUAL "fuzzer")
    # Everything counts its branches; the targets alone have libFuzzer's main().
    set(PB_FUZZER ON)
    set(sanitizers address,undefined)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizers})
  if(sanitizers MATCHES "undefined")
    # A finding must end the test, not only leave a line in its output.
    add_compile_options(-fno-sanitize-recover=all)
  endif()
  if(PB_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # GCC says that ThreadSanitizer does not see fences. It can then report a race
    # that is none, never miss one; all that ours order are atomic accesses.
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(PB_COVERAGE)
  set(PB_INSTRUMENTED ON)
  # Unoptimised: a function that is inlined, or a loop that is unrolled, would have its
  # branches once for each copy.
  add_compile_options(--coverage -fprofile-update=atomic -DPB_COVERAGE -O0)
  add_link_options(--coverage)
endif()
if(PB_INSTRUMENTED)
  # The runtimes of the sanitizers belong to the program, not to a library.
  set(PB_SHARED OFF)
endif()

# Programs and libraries are found at the top of the build directory.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
