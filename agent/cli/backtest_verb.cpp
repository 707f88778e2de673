#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "agent/backtest.hpp"
#include "agent/check.hpp"
#include "agent/cli/history_flags.hpp"
#include "agent/cli/recording_verbs.hpp"
#include "agent/recording/judgement.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

struct BacktestFlags {
  HistoryFlags history;
  JudgingFlags judging;
  std::string cluster;
  bool quiet{false};
};

int refuse(const std::string& why) {
  std::fprintf(stderr, "flink-doctor: %s\n", printable(why, 500).c_str());
  return kExitCannotJudge;
}

int run_backtest(const BacktestFlags& flags) {
  Result<BackfillSettings> history = settings_of(flags.history);
  if (!history) return refuse(history.error().message);
  Result<ReplayOptions> judging = options_from(flags.judging);
  if (!judging) return refuse(judging.error().message);
  BacktestOptions options;
  options.history = std::move(*history);
  if (!flags.cluster.empty()) options.cluster = flags.cluster;
  options.from = judging->from;
  options.to = judging->to;
  options.set = std::move(judging->set);
  if (!flags.quiet) {
    options.say = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  }
  const Result<Replayed> replayed = backtest(options);
  if (!replayed) return refuse(replayed.error().message);
  print(*replayed, flags.judging.format);
  return 0;
}

}  // namespace

void add_backtest_verb(CLI::App& app, int& code) {
  auto flags = std::make_shared<BacktestFlags>();
  CLI::App* verb = app.add_subcommand(
      "backtest", "judge the past that a Prometheus knows, without asking any Flink");
  add_history_flags(*verb, flags->history);
  verb->get_option("--history")->required();
  add_judging_flags(*verb, flags->judging, "begin there (default: --window before --to)",
                    "end there (default: now)");
  verb->add_option("--cluster", flags->cluster, "what findings are to call it");
  verb->add_flag("--quiet", flags->quiet, "no progress on standard error");
  verb->callback([flags, &code] { code = run_backtest(*flags); });
}

}  // namespace doctor
