// yaml-cpp stays in this file.
#include "collectors/host/flink_options.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>

#include "collectors/host/lines.hpp"
#include "model/text.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kNodesMax = 10'000;  // also against aliases that multiply
constexpr std::size_t kDepthMax = 32;
constexpr std::size_t kValueBytesMax = 4096;

constexpr std::array<std::string_view, 24> kWanted{"blob.server.port",
                                                   "blob.storage.directory",
                                                   "env.log.dir",
                                                   "execution.checkpointing.dir",
                                                   "execution.checkpointing.local-backup.dirs",
                                                   "execution.checkpointing.savepoint-dir",
                                                   "high-availability.cluster-id",
                                                   "high-availability.storageDir",
                                                   "io.tmp.dirs",
                                                   "kubernetes.cluster-id",
                                                   "process.jobmanager.working-dir",
                                                   "process.taskmanager.working-dir",
                                                   "process.working-dir",
                                                   "state.backend.forst.local-dir",
                                                   "state.backend.local-recovery.dirs",
                                                   "state.backend.rocksdb.localdir",
                                                   "state.checkpoints.dir",
                                                   "state.savepoints.dir",
                                                   "taskmanager.resource-id",
                                                   "taskmanager.rpc.port",
                                                   "taskmanager.state.local.root-dirs",
                                                   "taskmanager.tmp.dirs",
                                                   "web.tmpdir",
                                                   "web.upload.dir"};

void keep(Options& options, std::string_view key, std::string_view value) {
  if (value.empty() || value.size() > kValueBytesMax) return;
  if (std::binary_search(kWanted.begin(), kWanted.end(), key)) {
    options[std::string(key)] = value;
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// Walks a document down to its scalars.
class Flattener {
 public:
  Options options;
  bool too_much{false};

  void walk(const YAML::Node& node, const std::string& path, std::size_t depth) {
    if (++nodes_ > kNodesMax || depth > kDepthMax) too_much = true;
    if (too_much) return;
    if (node.IsScalar()) return keep(options, path, node.Scalar());
    if (node.IsSequence()) return join(node, path);
    if (!node.IsMap()) return;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) continue;
      const std::string& key = entry.first.Scalar();
      walk(entry.second, path.empty() ? key : path + "." + key, depth + 1);
    }
  }

 private:
  void join(const YAML::Node& list, const std::string& path) {
    std::string joined;
    for (const auto& item : list) {
      if (++nodes_ > kNodesMax) too_much = true;
      if (too_much || !item.IsScalar()) return;
      joined += (joined.empty() ? "" : ";") + item.Scalar();
    }
    keep(options, path, joined);
  }

  std::size_t nodes_{0};
};

}  // namespace

Options parse_legacy_options(std::string_view text) {
  Options options;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    line = line.substr(0, line.find('#'));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    keep(options, trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 2)));
  }
  return options;
}

Result<Options> parse_yaml_options(std::string_view text) {
  try {
    Flattener flattener;
    flattener.walk(YAML::Load(std::string(text)), "", 0);
    if (flattener.too_much) return Error{ErrorCode::too_large, "too many values or too deep"};
    return std::move(flattener.options);
  } catch (const YAML::Exception& fault) {
    // yaml-cpp reports syntax errors by throwing; here they are an expected failure.
    return Error{ErrorCode::malformed, printable(fault.what())};
  }
}

}  // namespace doctor::host
