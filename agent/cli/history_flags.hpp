// The flags that say which store knows the past, and the verb that needs nothing else: backtest.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/access_flags.hpp"
#include "agent/config/config.hpp"

namespace CLI {
class App;
}

namespace doctor {

struct HistoryFlags {
  std::string url;
  std::vector<std::string> match;
  std::string window;
  std::string step;
  AccessFlags access;
};

/// --history URL --match LABEL=VALUE --window DURATION --step DURATION, and --history-ca-file and
/// the like.
void add_history_flags(CLI::App& verb, HistoryFlags& flags);

/// The store that the flags name. invalid_argument without a URL.
Result<BackfillSettings> settings_of(const HistoryFlags& flags);
/// Gives it to the one cluster there is.
Status apply(const HistoryFlags& flags, Config& config);

void add_backtest_verb(CLI::App& app, int& code);

}  // namespace doctor
