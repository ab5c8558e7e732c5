# SPDX-License-Identifier: MIT
# The page; none where npm had nothing to give: `pagebuddy learn` then says so.

file(READ "${MODULES}/stamp" stamp)
if(NOT stamp STREQUAL "fetched\n")
  file(REMOVE "${OUTPUT}")
  return()
endif()
execute_process(COMMAND ${NODE} "${SOURCE}/build.mjs" "${SOURCE}" "${MODULES}/node_modules"
  "${WASM}" "${LESSON}" "${OUTPUT}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "learn: the page could not be bundled")
endif()
