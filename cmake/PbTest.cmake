# SPDX-License-Identifier: MIT
# How tests are found, built and registered.
#
#   pb_add_cmocka_test(NAME SOURCE... [LIBS lib...] [LABELS label...]
#                      [ENVIRONMENT VAR=value...] [COST seconds] [SERIAL]
#                      [NO_SANITIZE] [LONG])
#
# makes the program NAME from the sources, linked with cmocka and the static
# library, able to include the core's private headers, and registers it with
# ctest under NAME. LIBS replaces the library `pagebuddy` by others (say, the
# core on the test port: pagebuddy-testport). A test carries the name of its
# folder as a label (tests/unit: unit), SERIAL keeps other tests from running
# beside it, COST says about how long it takes, if that is long: those begin first, so that
# none of them is left to run alone at the end; NO_SANITIZE leaves it out of sanitizer and coverage builds, and LONG
# out of `make test`: only `make test-long` runs it.
#
#   pb_add_test(NAME COMMAND... [the same options but LIBS])
#
# registers any other program or script; status 77 means skipped.

include_guard(GLOBAL)
find_package(PkgConfig)
if(PkgConfig_FOUND)
  pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
  # Here, at the top, for every directory: tests read the JSON they check.
  pkg_check_modules(JANSSON QUIET IMPORTED_TARGET jansson)
endif()

set(PB_WITH_TESTS OFF)
if(PB_BUILD_TESTS STREQUAL "AUTO")
  if(PROJECT_IS_TOP_LEVEL AND CMOCKA_FOUND)
    set(PB_WITH_TESTS ON)
  endif()
elseif(PB_BUILD_TESTS)
  if(NOT CMOCKA_FOUND)
    message(FATAL_ERROR "PB_BUILD_TESTS is ON, but cmocka was not found through pkg-config "
      "(Debian: libcmocka-dev; scripts/bootstrap test installs it)")
  endif()
  set(PB_WITH_TESTS ON)
endif()
if(PB_WITH_TESTS)
  enable_testing()
endif()

# A limit is there for what hangs, and only for that: it is far above what a machine
# ten times slower than a small one of today needs, instrumented code included.
set(PB_TEST_TIMEOUT 1500)

# What both kinds of test have in common. A macro: it reads the ARG_ variables
# of the function that calls it.
macro(pb_test_properties name)
  get_filename_component(folder "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  set(ARG_TIMEOUT ${PB_TEST_TIMEOUT})
  if(ARG_LONG)
    set(ARG_TIMEOUT 21600)
  endif()
  set(labels ${folder} ${ARG_LABELS})
  if(ARG_LONG)
    list(APPEND labels long)
  endif()
  list(REMOVE_DUPLICATES labels)
  if(NOT ARG_COST)
    set(ARG_COST 0)
  endif()
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${ARG_TIMEOUT}
    COST ${ARG_COST}
    LABELS "${labels}"
    SKIP_RETURN_CODE 77
    RUN_SERIAL "${ARG_SERIAL}"
    ENVIRONMENT "${ARG_ENVIRONMENT}")
endmacro()

# A long test belongs to a configuration that ctest runs only when told to.
macro(pb_register_test name)
  if(ARG_LONG)
    add_test(NAME ${name} CONFIGURATIONS long COMMAND ${ARGN})
  else()
    add_test(NAME ${name} COMMAND ${ARGN})
  endif()
endmacro()

function(pb_add_cmocka_test name)
  cmake_parse_arguments(ARG "SERIAL;NO_SANITIZE;LONG" "COST" "LIBS;LABELS;ENVIRONMENT" ${ARGN})
  if(ARG_NO_SANITIZE AND PB_INSTRUMENTED)
    return()
  endif()
  if(NOT ARG_LIBS)
    set(ARG_LIBS pagebuddy)
  endif()
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/core"
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} PkgConfig::CMOCKA)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
    "${PROJECT_BINARY_DIR}/tests/bin")
  pb_register_test(${name} ${name})
  pb_test_properties(${name})
endfunction()

function(pb_add_test name)
  cmake_parse_arguments(ARG "SERIAL;NO_SANITIZE;LONG" "COST" "LABELS;ENVIRONMENT" ${ARGN})
  if(ARG_NO_SANITIZE AND PB_INSTRUMENTED)
    return()
  endif()
  pb_register_test(${name} ${ARG_UNPARSED_ARGUMENTS})
  pb_test_properties(${name})
endfunction()
