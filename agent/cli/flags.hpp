// What people type for `check`, `run`, `record` and `metrics`, and the configuration it makes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/cli/access_flags.hpp"
#include "agent/cli/history_flags.hpp"
#include "agent/cli/recording_verbs.hpp"
#include "agent/config/config.hpp"
#include "model/result.hpp"

namespace doctor {

struct Flags {
  std::vector<std::string> flink;
  std::vector<std::string> reporters;
  std::vector<std::string> probes;
  std::vector<std::string> logs;
  std::vector<std::string> alertmanagers;
  std::vector<std::string> expected_jobs;
  std::string config_file;
  std::vector<std::string> clusters;  // of the file, by name; none: all
  std::string listen;
  std::string data_dir;
  std::string format{"text"};
  double wait_seconds{12};
  bool strict{false};
  bool quiet{false};
  bool matrix{false};
  std::string detector;
  AccessFlags access;
  RecordingFlags recording;
  HistoryFlags history;
  std::string shard;
  /// For each of `reporters` and `logs`, how many --flink stood before it on the command line.
  std::vector<std::size_t> reporter_places;
  std::vector<std::size_t> log_places;
};

/// Flags add to the configuration file, and win where both speak. Reads the file; adds the user's
/// metrics to the catalogue.
Result<Config> configuration(const Flags& flags);

}  // namespace doctor
