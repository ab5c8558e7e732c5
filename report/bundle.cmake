# SPDX-License-Identifier: MIT
# The page, or an empty file where npm had nothing to give.

file(READ "${MODULES}/stamp" stamp)
if(NOT stamp STREQUAL "fetched\n")
  file(WRITE "${OUTPUT}" "")
  return()
endif()
execute_process(COMMAND ${NODE} "${SOURCE}/build.mjs" "${SOURCE}" "${MODULES}/node_modules"
  "${OUTPUT}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "report: the page could not be bundled")
endif()
