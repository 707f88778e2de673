// Flink's configuration file as far as the probe needs it: names of directories, ports and the
// cluster. Only the keys of an allow-list are kept, so that no secret of the file ever is.
#pragma once

#include <string_view>

#include "collectors/host/command_line.hpp"
#include "model/result.hpp"

namespace doctor::host {

/// flink-conf.yaml: "key: value" a line, not YAML (GlobalConfiguration.loadYAMLResource).
Options parse_legacy_options(std::string_view text);

/// config.yaml (≥ 1.19): YAML, nested or flat. Lists are joined with ';' as Flink does.
Result<Options> parse_yaml_options(std::string_view text);

}  // namespace doctor::host
