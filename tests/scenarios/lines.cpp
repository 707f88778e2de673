#include "tests/scenarios/lines.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace doctor::scenario {
namespace {

template <class E, std::size_t N>
E one_of(Words& words, const std::string& text,
         const std::array<std::pair<std::string_view, E>, N>& names, std::string_view what) {
  for (const auto& [name, value] : names) {
    if (text == name) return value;
  }
  words.fail("\"" + text + "\" is not " + std::string(what));
  return names.front().second;
}

/// "Source>Map>Sink", "Source>Map,Source>Audit": chains that share vertices by name.
void parse_vertices(const std::string& text, JobLine& job) {
  for (const std::string& chain : split(text, ",")) {
    std::optional<std::size_t> before;
    for (const std::string& name : split(chain, ">")) {
      const auto known = std::find(job.vertices.begin(), job.vertices.end(), name);
      const auto index = static_cast<std::size_t>(known - job.vertices.begin());
      if (known == job.vertices.end()) job.vertices.push_back(name);
      if (before) job.edges.emplace_back(*before, index);
      before = index;
    }
  }
}

std::string backend_class(const std::string& name) {
  if (name == "rocksdb") return "EmbeddedRocksDBStateBackend";
  if (name == "hashmap") return "HashMapStateBackend";
  if (name == "forst") return "ForStStateBackend";
  return name;
}

}  // namespace

Interval interval(Words& words) {
  Interval span;
  span.from = words.duration("from", 0);
  span.to = words.duration("to", kForever);
  if (span.to <= span.from) words.fail("to= must be after from=");
  return span;
}

void parse_cluster(Words& words, Case& scenario) {
  static constexpr std::array<std::pair<std::string_view, ClusterStatus>, 3> kStatus{
      {{"unreachable", ClusterStatus::unreachable},
       {"leader_election", ClusterStatus::leader_election},
       {"partial", ClusterStatus::partial}}};
  static constexpr std::array<std::pair<std::string_view, ErrorCode>, 6> kReasons{
      {{"refused", ErrorCode::refused},
       {"timeout", ErrorCode::timeout},
       {"reset", ErrorCode::reset},
       {"name_resolution", ErrorCode::name_resolution},
       {"not_flink", ErrorCode::not_flink},
       {"http_status", ErrorCode::http_status}}};
  if (const auto status = words.option("status")) {
    Outage outage;
    outage.status = one_of(words, *status, kStatus, "unreachable, leader_election or partial");
    outage.reason = one_of(words, words.text("reason", "refused"), kReasons, "a reason");
    outage.when = interval(words);
    scenario.outages.push_back(outage);
  }
  scenario.version = words.text("version", scenario.version);
  scenario.namespace_ = words.text("namespace", scenario.namespace_);
  if (const auto mode = words.option("mode")) {
    scenario.one_shot = *mode == "one_shot";
    if (!scenario.one_shot) words.fail("mode= can only be one_shot");
  }
  if (const auto jobs = words.option("expected_jobs")) scenario.expected_jobs = split(*jobs, ",");
}

void parse_task_manager(Words& words, Case& scenario) {
  TaskManagerLine tm;
  tm.name = words.word("the TaskManager's name");
  tm.host = words.text("host", tm.name);
  tm.slots = words.integer("slots", 1);
  tm.managed = words.number("managed");
  tm.process = words.number("process");
  tm.metaspace = words.number("metaspace");
  tm.alive = interval(words);
  scenario.task_managers.push_back(std::move(tm));
}

JobLine parse_job_options(Words& words, std::string name) {
  static constexpr std::array<std::pair<std::string_view, Checkpointing>, 3> kCheckpointing{
      {{"off", Checkpointing::off},
       {"on", Checkpointing::on},
       {"unknown", Checkpointing::unknown}}};
  JobLine job;
  job.name = std::move(name);
  job.state = words.text("state", job.state);
  job.type = words.text("type", job.type);
  job.listed = interval(words);
  parse_vertices(words.text("vertices", "Source>Map>Sink"), job);
  for (const std::string& part : split(words.text("parallelism", "1"), ",")) {
    const std::optional<double> number = parse_number(part);
    if (!number || *number < 1 || *number > 1000) words.fail("parallelism= must be 1 to 1000");
    job.parallelism.push_back(static_cast<int>(number.value_or(1)));
  }
  if (job.parallelism.size() != 1 && job.parallelism.size() != job.vertices.size()) {
    words.fail("parallelism= needs one number, or one per vertex");
  }
  job.max_parallelism = words.integer("max_parallelism", job.max_parallelism);
  job.ship_strategy = words.text("edge", job.ship_strategy);
  job.on = split(words.text("on", ""), ",");
  job.state_backend = backend_class(words.text("backend", "hashmap"));
  job.strategy = words.text("strategy", "Cluster level default restart strategy");
  if (const auto on = words.option("checkpointing")) {
    job.checkpointing = one_of(words, *on, kCheckpointing, "on, off or unknown");
  }
  job.interval = words.duration("interval");
  job.timeout = words.duration("timeout", job.timeout);
  job.min_pause = words.duration("min_pause", job.min_pause);
  job.tolerable = words.integer("tolerable", job.tolerable);
  job.unaligned = words.flag("unaligned");
  return job;
}

void parse_submit(Words& words, Case& scenario) {
  const std::string name = words.word("the job's name");
  const auto every = words.duration_after("every");
  const auto lasts = words.duration("lasts");
  JobLine job = parse_job_options(words, name);
  job.every = every;
  job.lasts = lasts.value_or(job.lasts);
  if (!every || *every <= 0) words.fail("submit needs \"every DURATION\"");
  scenario.jobs.push_back(std::move(job));
}

void parse_checkpoint(Words& words, std::optional<DurationMs> at, Case& scenario) {
  using Status = CheckpointRecord::Status;
  static constexpr std::array<std::pair<std::string_view, Status>, 3> kStatus{
      {{"completed", Status::completed},
       {"failed", Status::failed},
       {"in_progress", Status::in_progress}}};
  CheckpointLine line;
  line.job = words.word("the job's name");
  line.every = words.duration_after("every");
  if (!at) at = words.duration_after("at");
  line.when = interval(words);
  if (at) line.when.from = *at;
  if (at.has_value() == line.every.has_value()) words.fail("needs either \"every\" or \"at\"");
  if (line.every && *line.every <= 0) words.fail("every must be positive");
  line.savepoint = words.flag("savepoint");
  line.status = one_of(words, words.text("status", "completed"), kStatus, "a checkpoint's status");
  line.duration = words.duration("duration");
  line.slower = words.duration("slower", 0);
  line.failure = words.text("failure", "");
  line.delta = words.number("delta");
  const std::string size = words.text("size", "1MiB");  // "10MiB+1MiB per checkpoint"
  const std::size_t plus = size.find('+');
  const auto base = parse_number(std::string_view(size).substr(0, plus));
  const auto growth =
      plus == std::string::npos ? 0.0 : parse_number(std::string_view(size).substr(plus + 1));
  if (!base || !growth) words.fail("size=" + size + " is not a size");
  line.size = base.value_or(0);
  line.growth = growth.value_or(0);
  words.flag("per");
  words.flag("checkpoint");
  if (const auto noise = words.option("noise")) {
    const bool percent = noise->ends_with('%');
    const auto share = parse_number(std::string_view(*noise).substr(0, noise->size() - 1));
    if (!percent || !share) words.fail("noise= needs a percentage such as 10%");
    line.noise = share.value_or(0) / 100;
  }
  scenario.checkpoints.push_back(std::move(line));
}

void parse_fault(Words& words, std::optional<DurationMs> at, Case& scenario) {
  FaultLine line;
  line.job = words.word("the job's name");
  line.every = words.duration_after("every");
  if (!at) at = words.duration_after("at");
  line.when = interval(words);
  if (at) line.when.from = *at;
  if (at.has_value() == line.every.has_value()) words.fail("needs either \"every\" or \"at\"");
  if (line.every && *line.every <= 0) words.fail("every must be positive");
  line.exception = words.text("exception", "");
  if (line.exception.empty()) words.fail("needs exception=\"class: message\"");
  line.cause = words.text("cause", "");
  line.task = words.text("task", "");
  line.task_manager = words.text("on", "");
  line.frames = split(words.text("frames", ""), ";");
  line.restarts = !words.flag("norestart");
  line.down = words.duration("down", line.down);
  scenario.faults.push_back(std::move(line));
}

void parse_state_change(Words& words, DurationMs at, Case& scenario) {
  StateChange change;
  change.at = at;
  change.job = words.word("the job's name");
  change.state = words.text("state", "RUNNING");
  if (const int tasks = words.integer("tasks", -1); tasks >= 0) change.tasks_running = tasks;
  words.flag("restarted");  // a state entered again is entered anew in any case
  scenario.changes.push_back(std::move(change));
}

}  // namespace doctor::scenario
