// Files that are small and may be replaced at any time: tokens, passwords, certificates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "model/result.hpp"
#include "model/secret.hpp"

namespace doctor {

/// Differs when a file was written again or another one took its name, also behind a symbolic link.
struct FileStamp {
  std::uint64_t device{}, inode{}, size{};
  std::int64_t modified_ns{}, changed_ns{};
  bool operator==(const FileStamp&) const = default;
};

/// Nothing when it cannot be seen.
std::optional<FileStamp> file_stamp(const std::string& path);

/// The whole content. Errors: io (missing, unreadable, no regular file), too_large. Messages name
/// the file and never what is in it.
Result<Secret> read_small_file(const std::string& path, std::size_t bytes_max);

/// One line of visible characters; the line ends after it are not part of it. Errors: those above,
/// and invalid_argument when it is empty or more than that.
Result<Secret> read_secret_line(const std::string& path, std::size_t bytes_max);

}  // namespace doctor
