#include "agent/cli/probe_verb.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "agent/check.hpp"
#include "agent/config/config.hpp"
#include "agent/probe.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr DurationMs kIntervalMaxMs = kMinuteMs;

struct ProbeFlags {
  std::string listen{"127.0.0.1:9670"};
  std::string proc{"/proc"};
  std::string sys{"/sys"};
  std::string interval{"15s"};
  bool once{false};
};

int refuse(const std::string& why) {
  std::fprintf(stderr, "flink-doctor: %s\n", why.c_str());
  return kExitCannotJudge;
}

Result<ProbeOptions> options_from(const ProbeFlags& flags) {
  ProbeOptions options;
  Config listen;
  if (const Status ok = parse_listen(flags.listen, listen); !ok) return ok.error();
  options.listen_host = listen.listen_host;
  options.listen_port = listen.listen_port;
  options.roots = {flags.proc, flags.sys};
  const Result<DurationMs> interval = parse_duration(flags.interval);
  if (!interval) return Error{interval.error().code, "--interval " + interval.error().message};
  if (*interval < kSecondMs || *interval > kIntervalMaxMs) {
    return Error{ErrorCode::invalid_argument, "--interval must be between 1s and 1m"};
  }
  options.interval_ms = *interval;
  return options;
}

int print_once(const ProbeOptions& options) {
  const ProbeOnce round = probe_once(options);
  std::fwrite(round.page.data(), 1, round.page.size(), stdout);
  std::fflush(stdout);
  if (round.flink_processes > 0) return 0;
  return refuse("no Flink process is seen among the " + std::to_string(round.processes_seen) +
                " processes below " + printable(options.roots.proc));
}

int run_probe_verb(const ProbeFlags& flags) {
  const Result<ProbeOptions> options = options_from(flags);
  if (!options) return refuse(options.error().message);
  if (flags.once) return print_once(*options);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("flink-doctor"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  if (const Status ok = run_probe(*options); !ok) return refuse(ok.error().message);
  return 0;
}

}  // namespace

void add_probe_verb(CLI::App& app, int& code) {
  auto flags = std::make_shared<ProbeFlags>();
  CLI::App* verb =
      app.add_subcommand("probe", "export what the host knows of the Flink processes on it");
  verb->add_option("--listen", flags->listen, "where to serve (default 127.0.0.1:9670)")
      ->type_name("HOST:PORT");
  verb->add_option("--proc", flags->proc, "where the machine's /proc is")->type_name("DIR");
  verb->add_option("--sys", flags->sys, "where the machine's /sys is")->type_name("DIR");
  verb->add_option("--interval", flags->interval, "between two rounds (default 15s)")
      ->type_name("DURATION");
  verb->add_flag("--once", flags->once, "one round to standard output; 3 without a Flink process");
  verb->callback([flags, &code] { code = run_probe_verb(*flags); });
}

}  // namespace doctor
