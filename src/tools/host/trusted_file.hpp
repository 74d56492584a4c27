// trusted_file: reads a file that decides who may do what, if nobody else could have written it: it
// and its folder belong to root or to the host, and nobody else may write them. As sshd does.
#pragma once

#include <string>

#include <vmsig/base/expected.hpp>

namespace host {

inline constexpr std::size_t max_trusted_file_bytes = 1024 * 1024;

/// The text, or in a sentence why not.
vmsig::expected<std::string, std::string> read_trusted(const std::string& path);

/// The folder that a path is in: "." for one without.
std::string folder_of(const std::string& path);

} // namespace host
