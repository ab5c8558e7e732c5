# SPDX-License-Identifier: MIT
# make install: libraries, public headers, pkg-config file and CMake package.
# The command and the man pages are installed by their own directories.

include(CMakePackageConfigHelpers)

set(pb_targets pagebuddy-static)
if(TARGET pagebuddy-shared)
  list(APPEND pb_targets pagebuddy-shared)
endif()
install(TARGETS ${pb_targets} EXPORT pagebuddy-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/pagebuddy"
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(pb_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/pagebuddy")
install(EXPORT pagebuddy-targets NAMESPACE pagebuddy:: DESTINATION "${pb_cmake_dir}")
configure_package_config_file(cmake/pagebuddy-config.cmake.in
  "${PROJECT_BINARY_DIR}/cmake/pagebuddy-config.cmake"
  INSTALL_DESTINATION "${pb_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/cmake/pagebuddy-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/cmake/pagebuddy-config.cmake"
  "${PROJECT_BINARY_DIR}/cmake/pagebuddy-config-version.cmake"
  DESTINATION "${pb_cmake_dir}")

# From the directory of pagebuddy.pc up to the prefix; LIBDIR may have depth.
file(RELATIVE_PATH PB_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" PB_PC_PREFIX "${PB_PC_PREFIX}")
configure_file(cmake/pagebuddy.pc.in "${PROJECT_BINARY_DIR}/cmake/pagebuddy.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/cmake/pagebuddy.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
