// One Flink process in one round: from its command line to everything the probe says of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host/directory_reader.hpp"
#include "collectors/host/host_probe.hpp"
#include "collectors/host/log_head.hpp"

namespace doctor::host {

class ProcessReader {
 public:
  /// `identity` is what is remembered of this process; `report` takes devices and what was unread.
  ProcessReader(HostFiles& files, const HostRoots& roots, std::int64_t pid, const CommandLine& line,
                Identity& identity, HostReport& report);

  ProcessReport read();

 private:
  void read_numbers();
  void read_cgroup_memory();
  void read_options();
  void read_logs();
  void read_identity();
  void read_directories();
  void read_working_directory();
  void read_blob_connections();

  void learn_tm_id();
  void learn_blob_port();
  LogHead log_head();
  std::string log_file() const;
  bool may_listen_on(std::uint16_t port) const;
  std::string property(std::string_view key) const;
  std::string option(std::string_view key) const;
  std::string cluster_id() const;
  /// A file of /proc/PID; empty and noted as unread when it cannot be read.
  std::string text(std::string_view file, std::size_t bytes_max);
  Place seen(std::string path) const { return {std::move(path), view_.root}; }

  HostFiles& files_;
  const std::string& proc_;
  const CommandLine& line_;
  Identity& identity_;
  HostReport& report_;
  Place process_;  // /proc/PID
  ProcessView view_;
  Options options_;
  std::vector<std::string> temporary_names_;  // Flink's entries in its temporary directories
  ProcessReport out_;
};

}  // namespace doctor::host
