#include "tests/scenarios/world.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "tests/scenarios/checkpoints.hpp"
#include "tests/scenarios/expression.hpp"

namespace doctor::scenario {
namespace {

constexpr DurationMs kJobStoreMs = kHourMs;  // jobstore.expiration-time
constexpr std::size_t kExceptionsRemembered = 16;

/// 32 hex digits, the same for the same text.
std::string hex_id(const std::string& text) {
  std::array<char, 33> id{};
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  const std::uint64_t second = hash * 0x9E3779B97F4A7C15U;
  std::snprintf(id.data(), id.size(), "%016llx%016llx", static_cast<unsigned long long>(hash),
                static_cast<unsigned long long>(second));
  return id.data();
}

int tasks_of(const JobLine& line) {
  int tasks = 0;
  for (std::size_t v = 0; v < line.vertices.size(); ++v) tasks += World::parallelism(line, v);
  return tasks;
}

ExceptionRecord exception_of(const FaultLine& line, DurationMs at) {
  ExceptionRecord record;
  record.at = kCaseStart + at;
  const std::size_t colon = line.exception.find(": ");
  record.name = line.exception.substr(0, colon);
  if (colon != std::string::npos) record.message = line.exception.substr(colon + 2);
  record.root_cause = line.cause.empty() ? line.exception : line.cause;
  record.frames = line.frames;
  record.task = line.task;
  record.task_manager = line.task_manager;
  return record;
}

}  // namespace

const JobState& JobInstance::state_at(DurationMs at) const {
  const auto after =
      std::upper_bound(states.begin(), states.end(), at,
                       [](DurationMs time, const JobState& state) { return time < state.at; });
  return after == states.begin() ? states.front() : *std::prev(after);
}

World::World(const Case& scenario) : scenario_(scenario) {
  add_instances();
  add_state_changes();
  for (const FaultLine& line : scenario.faults) add_faults(line);
  for (JobInstance& instance : instances_) {
    const auto by_time = [](const auto& a, const auto& b) { return a.at < b.at; };
    std::stable_sort(instance.states.begin(), instance.states.end(), by_time);
    std::stable_sort(instance.faults.begin(), instance.faults.end(), by_time);
    std::sort(instance.restarts.begin(), instance.restarts.end());
  }
  for (const CheckpointLine& line : scenario.checkpoints) add_checkpoints(line);
  for (JobInstance& instance : instances_) number_checkpoints(instance.checkpoints);
}

void World::add_instances() {
  for (const JobLine& line : scenario_.jobs) {
    const std::size_t serial = instances_.size();
    if (!line.every) {
      JobInstance& job = instances_.emplace_back();
      job.line = &line;
      job.listed = line.listed;
      job.start = line.listed.from;
      job.id = hex_id("job " + line.name + std::to_string(serial));
      job.states.push_back({job.start, line.state, {}});
      continue;
    }
    const DurationMs end = std::min(line.listed.to, scenario_.length);
    for (DurationMs at = line.listed.from; at < end; at += *line.every) {
      JobInstance& job = instances_.emplace_back();
      job.line = &line;
      job.start = at;
      job.listed = {at, at + line.lasts + kJobStoreMs};
      job.id = hex_id("submit " + line.name + std::to_string(instances_.size()));
      job.states.push_back({at, line.state, {}});
      job.states.push_back({at + line.lasts, "FINISHED", {}});
    }
  }
}

void World::add_state_changes() {
  for (const StateChange& change : scenario_.changes) {
    JobInstance* job = instance(change.job, change.at);
    if (job != nullptr) job->states.push_back({change.at, change.state, change.tasks_running});
  }
  for (JobInstance& job : instances_) {
    std::stable_sort(job.states.begin(), job.states.end(),
                     [](const JobState& a, const JobState& b) { return a.at < b.at; });
  }
}

void World::add_faults(const FaultLine& line) {
  if (!line.every) return add_fault(line, line.when.from);
  const DurationMs end = std::min(line.when.to, scenario_.length + 1);
  for (DurationMs at = line.when.from; at < end; at += *line.every) add_fault(line, at);
}

void World::add_fault(const FaultLine& line, DurationMs at) {
  JobInstance* job = instance(line.job, at);
  if (job == nullptr || is_terminal_state(job->state_at(at - 1).name)) return;
  job->faults.push_back(exception_of(line, at));
  if (!line.restarts) return;
  job->restarts.push_back(at);
  const DurationMs again = at + line.down;
  const bool changed_meanwhile =
      std::any_of(job->states.begin(), job->states.end(),
                  [&](const JobState& state) { return state.at >= at && state.at <= again; });
  if (changed_meanwhile) return;
  const auto by_time = [](const JobState& a, const JobState& b) { return a.at < b.at; };
  job->states.push_back({at, "RESTARTING", {}});
  job->states.push_back({again, "RUNNING", {}});
  std::stable_sort(job->states.begin(), job->states.end(), by_time);
}

void World::add_checkpoints(const CheckpointLine& line) {
  for (JobInstance& job : instances_) {
    if (job.line->name == line.job) draw_checkpoints(line, scenario_, job);
  }
}

JobInstance* World::instance(const std::string& name, DurationMs at) {
  return const_cast<JobInstance*>(named(name, at));  // NOLINT: the instances are ours
}

const JobInstance* World::named(const std::string& name, DurationMs at) const {
  const auto found = std::find_if(instances_.rbegin(), instances_.rend(), [&](const auto& job) {
    return job.line->name == name && job.listed.holds(at);
  });
  return found == instances_.rend() ? nullptr : &*found;
}

std::vector<const JobInstance*> World::listed(DurationMs at) const {
  std::vector<const JobInstance*> jobs;
  for (const JobInstance& job : instances_) {
    if (job.listed.holds(at)) jobs.push_back(&job);
  }
  return jobs;
}

std::uint64_t World::submits(DurationMs at) const {
  return static_cast<std::uint64_t>(
      std::count_if(instances_.begin(), instances_.end(),
                    [&](const JobInstance& job) { return job.start > 0 && job.start <= at; }));
}

std::uint64_t World::restarts(DurationMs at) const {
  std::uint64_t count = 0;
  for (const JobInstance& job : instances_) {
    const auto end = std::upper_bound(job.restarts.begin(), job.restarts.end(), at);
    count += static_cast<std::uint64_t>(end - job.restarts.begin());
  }
  return count;
}

bool World::alive(const std::string& process, DurationMs at) const {
  if (process == "jobmanager") return true;
  return std::any_of(
      scenario_.task_managers.begin(), scenario_.task_managers.end(),
      [&](const TaskManagerLine& tm) { return tm.name == process && tm.alive.holds(at); });
}

int World::parallelism(const JobLine& line, std::size_t vertex) {
  return line.parallelism.size() == 1 ? line.parallelism.front() : line.parallelism.at(vertex);
}

std::string World::vertex_id(const JobLine& line, std::size_t vertex) {
  return hex_id("vertex " + line.name + " " + line.vertices.at(vertex));
}

const TaskManagerLine* World::place(const JobInstance& job, std::size_t vertex, int subtask,
                                    DurationMs at) const {
  const JobState& state = job.state_at(at);
  if (state.name != "RUNNING" || at < job.start) return nullptr;
  int before = subtask;  // in the order of the plan
  for (std::size_t v = 0; v < vertex; ++v) before += parallelism(*job.line, v);
  if (state.tasks_running && before >= *state.tasks_running) return nullptr;
  std::vector<const TaskManagerLine*> candidates;
  for (const TaskManagerLine& tm : scenario_.task_managers) {
    const auto& on = job.line->on;
    const bool wanted = on.empty() || std::find(on.begin(), on.end(), tm.name) != on.end();
    if (wanted && tm.alive.holds(at)) candidates.push_back(&tm);
  }
  if (candidates.empty()) return nullptr;
  return candidates[static_cast<std::size_t>(subtask) % candidates.size()];
}

ClusterFacts World::cluster(DurationMs at) const {
  ClusterFacts facts;
  facts.name = "test";
  facts.url = "http://jobmanager:8081";
  FlinkVersion version;
  version.text = scenario_.version;
  std::sscanf(scenario_.version.c_str(), "%d.%d", &version.major, &version.minor);
  facts.version = version;
  facts.configuration = scenario_.options;
  facts.job_manager_metaspace_limit = scenario_.job_manager_metaspace;
  facts.task_managers_known = facts.jobs_known = true;
  for (const JobInstance* job : listed(at)) facts.jobs.push_back(summary(*job, at));
  for (const TaskManagerLine& line : scenario_.task_managers) {
    if (!line.alive.holds(at)) continue;
    TaskManagerFacts& tm = facts.task_managers.emplace_back();
    tm.id = line.name;
    tm.host = line.host;
    tm.slots = line.slots;
    int used = 0;  // one slot holds a subtask of every vertex of a job
    for (const JobInstance* job : listed(at)) {
      int most = 0;
      for (std::size_t v = 0; v < job->line->vertices.size(); ++v) {
        int here = 0;
        for (int s = 0; s < parallelism(*job->line, v); ++s) here += place(*job, v, s, at) == &line;
        most = std::max(most, here);
      }
      used += most;
    }
    tm.free_slots = std::max(0, line.slots - used);
    tm.memory.managed = line.managed;
    tm.memory.metaspace = line.metaspace;
    tm.memory.total_process = line.process;
  }
  return facts;
}

JobSummary World::summary(const JobInstance& job, DurationMs at) const {
  const JobState& state = job.state_at(at);
  JobSummary row;
  row.id = job.id;
  row.name = job.line->name;
  row.state = state.name;
  row.start = kCaseStart + job.start;
  if (is_terminal_state(state.name)) row.end = kCaseStart + state.at;
  row.last_modification = kCaseStart + state.at;
  row.tasks_total = tasks_of(*job.line);
  for (std::size_t v = 0; v < job.line->vertices.size(); ++v) {
    for (int s = 0; s < parallelism(*job.line, v); ++s) {
      row.tasks_running += place(job, v, s, at) != nullptr;
    }
  }
  return row;
}

JobFacts World::job(const JobInstance& job, DurationMs at) const {
  const JobSummary row = summary(job, at);
  JobFacts facts;
  facts.id = row.id;
  facts.name = row.name;
  facts.state = row.state;
  facts.type = job.line->type;
  facts.start = row.start;
  facts.end = row.end;
  facts.restart_strategy = job.line->strategy;
  facts.state_since["CREATED"] = facts.start;
  for (const JobState& state : job.states) {
    if (state.at <= at) facts.state_since[state.name] = kCaseStart + state.at;
  }
  if (row.state == "RUNNING" && row.tasks_running == row.tasks_total) {
    facts.all_tasks_running_since = facts.state_since["RUNNING"];
  }
  add_tasks(job, at, facts);
  add_checkpointing(job, at, facts);
  facts.exceptions_known = true;
  for (const ExceptionRecord& fault : job.faults) {
    if (fault.at <= kCaseStart + at) facts.exceptions.push_back(fault);
  }
  if (facts.exceptions.size() > kExceptionsRemembered) {
    const auto extra = facts.exceptions.size() - kExceptionsRemembered;
    facts.exceptions.erase(facts.exceptions.begin(),
                           facts.exceptions.begin() + static_cast<std::ptrdiff_t>(extra));
  }
  return facts;
}

void World::add_tasks(const JobInstance& job, DurationMs at, JobFacts& facts) const {
  const auto attempt = static_cast<int>(
      std::upper_bound(job.restarts.begin(), job.restarts.end(), at) - job.restarts.begin());
  for (std::size_t v = 0; v < job.line->vertices.size(); ++v) {
    VertexFacts& vertex = facts.vertices.emplace_back();
    vertex.id = vertex_id(*job.line, v);
    vertex.name = job.line->vertices[v];
    vertex.parallelism = parallelism(*job.line, v);
    vertex.max_parallelism = job.line->max_parallelism;
    vertex.status = facts.state == "RUNNING" ? "RUNNING" : facts.state;
    for (const auto& [from, to] : job.line->edges) {
      if (to == v) vertex.inputs.push_back({vertex_id(*job.line, from), job.line->ship_strategy});
    }
    for (int s = 0; s < vertex.parallelism; ++s) {
      const TaskManagerLine* tm = place(job, v, s, at);
      SubtaskFacts subtask;
      subtask.index = s;
      subtask.attempt = attempt;
      subtask.status = tm != nullptr                    ? "RUNNING"
                       : is_terminal_state(facts.state) ? facts.state
                                                        : "SCHEDULED";
      if (tm == nullptr && facts.state == "RUNNING") vertex.status = "SCHEDULED";
      if (tm != nullptr) subtask.task_manager = tm->name;
      if (tm != nullptr) subtask.host = tm->host;
      vertex.subtasks.push_back(std::move(subtask));
    }
  }
}

void World::add_checkpointing(const JobInstance& job, DurationMs at, JobFacts& facts) const {
  const JobLine& line = *job.line;
  const CheckpointLine* first = nullptr;
  for (const CheckpointLine& drawn : scenario_.checkpoints) {
    if (drawn.job == line.name && drawn.every && first == nullptr) first = &drawn;
  }
  const bool drawn = first != nullptr || line.interval;
  facts.checkpointing = line.checkpointing.value_or(drawn ? Checkpointing::on : Checkpointing::off);
  if (facts.checkpointing != Checkpointing::on) return;
  CheckpointConfig config;
  config.interval = line.interval;
  if (!config.interval && first != nullptr) config.interval = first->every;
  config.timeout = line.timeout;
  config.min_pause = line.min_pause;
  config.tolerable_failures = line.tolerable;
  config.unaligned = line.unaligned;
  config.mode = "exactly_once";
  config.state_backend = line.state_backend;
  config.storage = "FileSystemCheckpointStorage";
  facts.checkpoint_config = config;
  remember_checkpoints(job, at, tasks_of(line), facts);
}

}  // namespace doctor::scenario
