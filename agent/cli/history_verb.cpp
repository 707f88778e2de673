#include "agent/cli/history_verb.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "agent/check.hpp"
#include "agent/clock.hpp"
#include "agent/config/config.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

using nlohmann::json;

struct HistoryFlags {
  std::string data_dir;
  std::string since{"24h"};
  std::string format{"csv"};
  HistoryQuestion question;
};

int refuse(const std::string& why) {
  std::fprintf(stderr, "flink-doctor: %s\n", printable(why, 500).c_str());
  return kExitCannotJudge;
}

/// A spreadsheet must not take a name for a formula.
std::string quoted(const std::string& name) {
  std::string text = "\"";
  const bool is_formula = !name.empty() && std::string("=+-@").find(name[0]) != std::string::npos;
  if (is_formula) text += '\'';
  for (const char c : printable(name, 1000))
    text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

int run_history(HistoryFlags flags) {
  const Result<Metric> metric = parse_metric(flags.question.metric);
  if (!metric && !flags.question.metric.starts_with("user_")) return refuse(metric.error().message);
  const Result<DurationMs> since = parse_duration(flags.since);
  if (!since) return refuse("--since " + since.error().message);
  flags.question.to = now_ms();
  flags.question.from = flags.question.to - *since;
  const Result<HistoryAnswer> answer = query_history(flags.data_dir, flags.question);
  if (!answer) return refuse(answer.error().message);
  const std::string text = flags.format == "json" ? history_json(*answer) : history_csv(*answer);
  std::fwrite(text.data(), 1, text.size(), stdout);
  for (const std::string& problem : answer->problems) {
    std::fprintf(stderr, "flink-doctor: %s\n", printable(problem, 500).c_str());
  }
  if (answer->is_cut) {
    std::fprintf(stderr,
                 "flink-doctor: only the first %zu points; name a --cluster or an --entity\n",
                 flags.question.points_max);
  }
  return 0;
}

}  // namespace

std::string history_csv(const HistoryAnswer& answer) {
  std::string text = "cluster,entity,time,value,least,most,mean\n";
  for (const HistorySeries& series : answer.series) {
    const std::string head = quoted(series.cluster) + "," + quoted(series.entity) + ",";
    for (const HistoryPoint& point : series.points) {
      text.append(head).append(format_rfc3339(point.at)).append(",").append(number(point.value));
      text.append(",");
      if (point.range) {
        text += number(point.range->least) + "," + number(point.range->most) + "," +
                number(point.range->mean);
      } else {
        text += ",,";
      }
      text += "\n";
    }
  }
  return text;
}

std::string history_json(const HistoryAnswer& answer) {
  json all = json::array();
  for (const HistorySeries& series : answer.series) {
    json points = json::array();
    for (const HistoryPoint& point : series.points) {
      json one{{"at", format_rfc3339(point.at)}, {"value", point.value}};
      if (point.is_bin) one["bin_seconds"] = 300;
      if (point.range) {
        one["least"] = point.range->least;
        one["most"] = point.range->most;
        one["mean"] = point.range->mean;
      }
      points.push_back(std::move(one));
    }
    all.push_back({{"cluster", series.cluster},
                   {"metric", series.metric},
                   {"entity", series.entity},
                   {"points", std::move(points)}});
  }
  const json whole{{"series", std::move(all)}, {"cut", answer.is_cut}};
  return whole.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

void add_history_verb(CLI::App& app, int& code) {
  CLI::App* verb = app.add_subcommand("history", "print what is kept on disk of a metric");
  const auto flags = std::make_shared<HistoryFlags>();
  verb->add_option("--data-dir", flags->data_dir, "where `run --data-dir` remembers")
      ->type_name("DIR")
      ->required();
  verb->add_option("--metric", flags->question.metric, "as `flink-doctor metrics` lists them")
      ->type_name("NAME")
      ->required();
  verb->add_option("--cluster", flags->question.cluster, "only of this one")->type_name("NAME");
  verb->add_option("--entity", flags->question.entity,
                   "only where its path has this part, such as process=tm-1 or job=ID")
      ->type_name("TEXT");
  verb->add_option("--since", flags->since, "how far back (default 24h)")->type_name("DURATION");
  verb->add_option("--format", flags->format)->check(CLI::IsMember({"csv", "json"}));
  verb->callback([flags, &code] { code = run_history(*flags); });
}

}  // namespace doctor
