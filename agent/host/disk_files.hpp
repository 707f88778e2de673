// HostFiles over the real machine. Opens for reading only, and of what is no directory only regular
// files; below a `root` the kernel itself keeps symbolic links inside (openat2, Linux ≥ 5.6; older
// ones answer only for processes that see the same files as we do).
#pragma once

#include "collectors/host/files.hpp"

namespace doctor {

class DiskFiles final : public host::HostFiles {
 public:
  Result<std::string> read(const host::Place& place, std::size_t bytes_max) override;
  Result<std::string> head(const host::Place& place, std::size_t bytes_max) override;
  Result<std::vector<std::string>> list(const host::Place& place, std::size_t names_max) override;
  Result<std::uint64_t> count(const host::Place& place, std::uint64_t entries_max) override;
  Result<std::string> link(const host::Place& place) override;
  Result<host::FileInfo> info(const host::Place& place) override;
  Result<host::Space> space(const host::Place& place) override;
};

}  // namespace doctor
