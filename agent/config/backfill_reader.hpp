// Reads the blocks that say which store knows the past: history.backfill of all clusters, and
// clusters[].backfill, which adds to it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/backfill/settings.hpp"
#include "agent/config/access_reader.hpp"

namespace doctor {

/// As it stands in the file: what is not said is not there.
struct BackfillBlock {
  std::string path;
  std::optional<Endpoint> store;  // with its access
  std::map<std::string, query_range::Matcher> match;
  std::optional<DurationMs> window_ms, step_ms, patience_ms;
};

class BackfillReader : public AccessReader {
 protected:
  BackfillBlock read_backfill(const YAML::Node& node, const std::string& path);
  /// What `block` does not say is as in `general`. Complains when there is no store.
  std::optional<BackfillSettings> settings_of(const BackfillBlock& block,
                                              const std::optional<BackfillBlock>& general);
};

}  // namespace doctor
