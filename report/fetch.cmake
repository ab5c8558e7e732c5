# SPDX-License-Identifier: MIT
# npm ci into the build directory: exactly what package-lock.json names, checked
# by its hashes, no scripts run. A failure is told, and leaves a stamp that says so.

file(MAKE_DIRECTORY "${MODULES}")
foreach(file package.json package-lock.json .npmrc)
  file(COPY "${SOURCE}/${file}" DESTINATION "${MODULES}")
endforeach()
execute_process(COMMAND ${NPM} ci --ignore-scripts --prefer-offline --loglevel=error
  --fetch-retries=1
  WORKING_DIRECTORY "${MODULES}" RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE text
  TIMEOUT 120)
if(status EQUAL 0)
  file(WRITE "${MODULES}/stamp" "fetched\n")
else()
  message(WARNING "${WHAT}: npm ci failed, so this build has no page of it:\n${text}")
  file(WRITE "${MODULES}/stamp" "failed\n")
endif()
