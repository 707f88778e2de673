// What a budget of calls buys: the agenda is run over simulated minutes of a busy cluster.
#include "collectors/rest/agenda.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace doctor::rest {
namespace {

constexpr DurationMs kPollMs = 5 * kSecondMs;
constexpr double kBurst = 60;
constexpr std::size_t kErrandsMax = 1024;
const std::string kStateful = "state";

/// A cluster whose answers cost a call each; every answer is good.
class Simulation {
 public:
  explicit Simulation(bool reporters = true) : reporters_(reporters) {}

  /// Two more vertices; one of the three has metrics that somebody wants.
  void add_stateful(const std::string& id) {
    KnownJob& job = add_job(id, 10 * kSecondMs);
    for (const std::string& vertex : {std::string("w"), kStateful}) {
      job.vertices[vertex];
      job.facts.vertices.emplace_back().id = vertex;
    }
  }
  KnownJob& add_job(const std::string& id, DurationMs interval_ms) {
    KnownJob& job = known_.jobs[id];
    job.summary.id = id;
    job.summary.state = "RUNNING";
    job.summary.start = now_;
    job.summary.tasks_total = job.summary.tasks_running = 2;
    CheckpointConfig config;
    config.interval = interval_ms;
    config.timeout = interval_ms;
    config.state_backend = backend_;
    job.facts.checkpointing = Checkpointing::on;
    job.facts.checkpoint_config = config;
    job.vertices["v"];
    job.facts.vertices.emplace_back().id = "v";
    change(id);
    return job;
  }
  void add_task_manager(const std::string& id) { known_.processes[id]; }
  const KnownProcess& process(const std::string& id) { return known_.processes.at(id); }
  void change(const std::string& id) {
    KnownJob& job = known_.jobs[id];
    ++job.changes;
    job.changed_round = round_ + 1;
    changed_.insert({id, 0});
  }
  void end_job(const std::string& id) {
    known_.jobs[id].summary.state = "FINISHED";
    change(id);
  }
  /// That of the jobs to come. Of "late" ones no state is told while it runs.
  void use_backend(const std::string& backend, bool late) {
    backend_ = backend;
    late_ = late;
  }
  void stands_still(const std::string& id) {
    KnownVertex& vertex = known_.jobs.at(id).vertices.at(kStateful);
    for (int look = 0; look < 2; ++look) vertex.take_watermark(1e12, now_);
  }
  /// Of the jobs that there are: nothing but checkpoints is told.
  void tell_little_but(const std::string& one) {
    for (auto& [id, job] : known_.jobs) {
      for (auto& [vertex, known] : job.vertices) known.tells_little = id != one;
    }
  }
  void refuse(Errand::Ask ask) { refused_ = ask; }
  int calls(Errand::Ask ask) const { return calls_of_.contains(ask) ? calls_of_.at(ask) : 0; }
  void never_completes(const std::string& id) { never_complete_.insert(id); }

  void size_jumps(const std::string& id) {
    CheckpointRecord before = completed_at(now_);
    before.state_size = 1e6;
    CheckpointRecord after = before;
    after.state_size = 1e7;
    known_.jobs[id].facts.checkpoints = {before, after};
  }

  void poll() {
    now_ += kPollMs;
    ++round_;
    for (auto& [id, job] : known_.jobs) {
      const bool changed = changed_.contains(id);
      job.note_change(changed);
      const bool completes = !never_complete_.contains(id);
      job.facts.all_tasks_running_since = job.summary.start;
      if (completes) job.facts.latest_completed = completed_at(now_);
    }
    changed_.clear();
    tokens_ = std::min(kBurst, tokens_ + 5.0) - 1;  // the overview is one
    while (spend()) {
    }
  }

  DurationMs age(const Part& part) const { return now_ - part.asked_at; }
  const KnownJob& job(const std::string& id) { return known_.jobs.at(id); }
  TimestampMs now() const { return now_; }
  int calls() const { return calls_; }

 private:
  static CheckpointRecord completed_at(TimestampMs now) {
    CheckpointRecord record;
    record.triggered = now;
    return record;
  }
  bool spend() {
    AgendaRules rules;
    rules.round = round_;
    rules.now = now_;
    rules.job_manager_reporter = rules.task_manager_reporters = reporters_;
    rules.vertex_metrics_wanted = !reporters_;
    const std::vector<Errand> errands = agenda(known_, rules, kErrandsMax);
    for (const Errand& errand : errands) {
      if (tokens_ < 1) return false;
      tokens_ -= 1;
      ++calls_;
      ++calls_of_[errand.ask];
      Part& part = part_of(errand);
      part.ask(round_, now_);
      if (refused_ == errand.ask) continue;
      const auto of = known_.jobs.find(errand.subject);
      part.change = of == known_.jobs.end() ? 1 : of->second.changes;
      if (errand.ask == Errand::Ask::vertex_metric_ids) list_ids(errand);
    }
    return !errands.empty();
  }
  void list_ids(const Errand& errand) {
    KnownVertex& vertex = known_.jobs.at(errand.subject).vertices.at(errand.vertex);
    if (errand.vertex == kStateful) {
      vertex.queries = {"?get=0.state"};
      vertex.tells_state = !late_;
    }
    vertex.barren = vertex.tells_state ? 0 : vertex.barren + 1;
  }
  Part& part_of_vertex(const Errand& errand) {
    KnownVertex& vertex = known_.jobs.at(errand.subject).vertices.at(errand.vertex);
    if (errand.ask == Errand::Ask::vertex) return vertex.page;
    return errand.ask == Errand::Ask::vertex_metrics ? vertex.metrics : vertex.metric_ids;
  }
  Part& part_of(const Errand& errand) {
    if (errand.ask == Errand::Ask::job_manager_metric_ids) return known_.job_manager.metric_ids;
    if (errand.ask == Errand::Ask::job_manager_metrics) return known_.job_manager.metrics;
    if (errand.ask == Errand::Ask::task_manager_metric_ids)
      return known_.processes.at(errand.subject).metric_ids;
    if (errand.ask == Errand::Ask::task_manager_metrics)
      return known_.processes.at(errand.subject).metrics;
    if (errand.ask >= Errand::Ask::vertex) return part_of_vertex(errand);
    if (errand.ask == Errand::Ask::task_managers) return known_.task_managers;
    if (errand.ask == Errand::Ask::configuration) return known_.configuration;
    if (errand.ask == Errand::Ask::jvm_options) return known_.jvm_options;
    KnownJob& job = known_.jobs.at(errand.subject);
    if (errand.ask == Errand::Ask::checkpoints) return job.checkpoints;
    if (errand.ask == Errand::Ask::checkpoint_config) return job.checkpoint_config;
    if (errand.ask == Errand::Ask::exceptions) return job.exceptions;
    if (errand.ask == Errand::Ask::job_config) return job.config;
    return errand.ask == Errand::Ask::job_metrics ? job.metrics : job.job;
  }

  KnownCluster known_;
  bool reporters_;
  std::map<std::string, int> changed_;
  std::set<std::string> never_complete_;
  TimestampMs now_{1'700'000'000'000};
  std::int64_t round_{0};
  double tokens_{kBurst};
  int calls_{0};
  std::map<Errand::Ask, int> calls_of_;
  std::optional<Errand::Ask> refused_;
  std::string backend_{"EmbeddedRocksDBStateBackend"};
  bool late_{false};
};

/// Ten jobs with a checkpoint every 5 s, one of them without any that completes, one in a restart
/// loop, and short jobs that come and go: what the acceptance cluster looks like.
struct BusyCluster {
  BusyCluster() {
    for (int i = 0; i < 10; ++i) simulation.add_job("steady" + std::to_string(i), 5 * kSecondMs);
    simulation.add_job("absent", 20 * kSecondMs);
    simulation.add_job("looping", 5 * kSecondMs);
    simulation.never_completes("absent");
  }
  void poll(int i) {
    if (i % 2 == 0) simulation.change("looping");
    if (i % 4 == 0) simulation.add_job("batch" + std::to_string(i), kMinuteMs);
    if (i % 4 == 2) simulation.end_job("batch" + std::to_string(i - 2));
    simulation.poll();
  }
  Simulation simulation;
};

TEST(Agenda, CheckpointsOfABusyClusterAreReadBeforeFlinkForgetsThem) {
  BusyCluster cluster;
  DurationMs oldest = 0;
  for (int i = 0; i < 120; ++i) {
    cluster.poll(i);
    if (i < 12) continue;  // the first looks at everything
    for (int job = 0; job < 10; ++job) {
      const KnownJob& steady = cluster.simulation.job("steady" + std::to_string(job));
      oldest = std::max(oldest, cluster.simulation.age(steady.checkpoints));
    }
  }
  EXPECT_LE(oldest, 25 * kSecondMs);
}

TEST(Agenda, TroubledJobsStillHaveTheirTurn) {
  BusyCluster cluster;
  DurationMs absent = 0;
  DurationMs looping = 0;
  for (int i = 0; i < 60; ++i) {
    cluster.poll(i);
    if (i < 12) continue;
    absent = std::max(absent, cluster.simulation.age(cluster.simulation.job("absent").checkpoints));
    looping =
        std::max(looping, cluster.simulation.age(cluster.simulation.job("looping").exceptions));
  }
  EXPECT_LE(absent, 15 * kSecondMs);
  EXPECT_LE(looping, 20 * kSecondMs);
}

TEST(Agenda, ANewFaultIsLookedAtAtOnce) {
  BusyCluster cluster;
  for (int i = 0; i < 60; ++i) cluster.poll(i);
  cluster.simulation.change("steady3");
  cluster.simulation.poll();
  EXPECT_LE(cluster.simulation.age(cluster.simulation.job("steady3").exceptions), kPollMs);
}

TEST(Agenda, ASizeThatMovedIsFollowedUp) {
  BusyCluster cluster;
  for (int i = 0; i < 60; ++i) cluster.poll(i);
  cluster.simulation.size_jumps("steady3");
  DurationMs oldest = 0;
  for (int i = 60; i < 120; ++i) {
    cluster.poll(i);
    if (i < 66) continue;  // first it has to be seen
    oldest =
        std::max(oldest, cluster.simulation.age(cluster.simulation.job("steady3").checkpoints));
  }
  EXPECT_LE(oldest, 15 * kSecondMs);
}

TEST(Agenda, WithoutReportersTheStateOfSeventeenJobsIsReadWhileItIsFresh) {
  Simulation simulation(false);
  for (int i = 0; i < 16; ++i) simulation.add_stateful("job" + std::to_string(i));
  simulation.add_stateful("looping");
  simulation.add_task_manager("tm-1");
  simulation.add_task_manager("tm-2");
  for (int i = 0; i < 120; ++i) {
    if (i % 2 == 0) simulation.change("looping");
    simulation.poll();
  }
  DurationMs oldest = 0;
  for (int i = 0; i < 120; ++i) {
    if (i % 2 == 0) simulation.change("looping");
    simulation.poll();
    for (int job = 0; job < 16; ++job) {
      const KnownJob& known = simulation.job("job" + std::to_string(job));
      oldest = std::max(oldest, simulation.age(known.vertices.at(kStateful).metrics));
      EXPECT_TRUE(known.vertices.at(kStateful).page.asked()) << "whose memory it is";
    }
    oldest = std::max(oldest, simulation.age(simulation.process("tm-2").metrics));
  }
  EXPECT_LE(oldest, 150 * kSecondMs) << "a slower pace is none";
}

TEST(Agenda, CheckpointsOfAllJobsInTroubleHideNothingElse) {
  Simulation simulation(false);
  for (int i = 0; i < 16; ++i) {
    simulation.add_stateful("job" + std::to_string(i));
    simulation.never_completes("job" + std::to_string(i));
  }
  DurationMs oldest = 0;
  for (int i = 0; i < 240; ++i) {
    simulation.poll();
    if (i < 60) continue;
    for (int job = 0; job < 16; ++job) {
      const KnownJob& known = simulation.job("job" + std::to_string(job));
      oldest = std::max(oldest, simulation.age(known.vertices.at(kStateful).metrics));
    }
  }
  EXPECT_LE(oldest, 4 * kMinuteMs);
}

TEST(Agenda, MetricsOfStateMayComeLate) {
  const auto lists = [](const std::string& backend, bool late) {
    Simulation simulation(false);
    simulation.use_backend(backend, late);
    simulation.add_stateful("job");
    for (int i = 0; i < 240; ++i) simulation.poll();
    return simulation.calls(Errand::Ask::vertex_metric_ids);
  };
  const int settled = lists("EmbeddedRocksDBStateBackend", false);
  EXPECT_EQ(lists("HashMapStateBackend", true), settled) << "on the heap there are none to come";
  EXPECT_GE(lists("EmbeddedRocksDBStateBackend", true), settled + 2);
  EXPECT_LE(lists("EmbeddedRocksDBStateBackend", true), settled + 4);
}

TEST(Agenda, MetricsOfStateThatComeLateAreFoundWhereCallsAreShort) {
  Simulation simulation(false);
  simulation.use_backend("EmbeddedRocksDBStateBackend", true);
  constexpr int kJobs = 17;
  for (int i = 0; i < kJobs; ++i) simulation.add_stateful("job" + std::to_string(i));
  simulation.add_task_manager("tm-1");
  for (int i = 0; i < 180; ++i) simulation.poll();
  DurationMs oldest = 0;
  for (int i = 0; i < kJobs; ++i) {
    const KnownJob& job = simulation.job("job" + std::to_string(i));
    oldest = std::max(oldest, simulation.age(job.vertices.at(kStateful).metric_ids));
  }
  EXPECT_LE(oldest, 10 * kMinuteMs) << "a list of the first minutes has none";
}

TEST(Agenda, EventTimeThatMayStandStillIsLookedAtMoreOften) {
  Simulation simulation(false);
  for (int i = 0; i < 30; ++i) simulation.add_stateful("job" + std::to_string(i));
  for (int i = 0; i < 120; ++i) simulation.poll();
  simulation.stands_still("job7");
  DurationMs oldest = 0;
  DurationMs oldest_of_others = 0;
  for (int i = 0; i < 60; ++i) {
    simulation.poll();
    if (i < 12) continue;
    const auto age = [&](const std::string& id) {
      return simulation.age(simulation.job(id).vertices.at(kStateful).metrics);
    };
    oldest = std::max(oldest, age("job7"));
    oldest_of_others = std::max({oldest_of_others, age("job3"), age("job19")});
  }
  EXPECT_LE(oldest, 45 * kSecondMs);
  EXPECT_GE(oldest_of_others, 90 * kSecondMs) << "else the cluster is too small for this test";
}

TEST(Agenda, EventTimeThatHasStoodForLongIsNoNews) {
  Simulation simulation(false);
  for (int i = 0; i < 30; ++i) simulation.add_stateful("job" + std::to_string(i));
  for (int i = 0; i < 120; ++i) simulation.poll();
  simulation.stands_still("job7");
  const auto looked_at = [&] {
    return simulation.job("job7").vertices.at(kStateful).metrics.asked_at;
  };
  for (int i = 0; i < 720; ++i) simulation.poll();
  int looks = 0;
  TimestampMs last = 0;
  for (int i = 0; i < 360; ++i) {
    simulation.poll();
    if (looked_at() != last) ++looks;
    last = looked_at();
  }
  EXPECT_LE(looks, 14) << "in half an hour, as often as the others";
}

TEST(Agenda, VerticesThatTellLittleLeaveTheirCallsToTheOthers) {
  Simulation simulation(false);
  simulation.use_backend("HashMapStateBackend", true);
  for (int i = 0; i < 30; ++i) simulation.add_stateful("job" + std::to_string(i));
  for (int i = 0; i < 120; ++i) simulation.poll();
  const auto oldest_of = [&](const std::string& id) {
    DurationMs oldest = 0;
    for (int i = 0; i < 240; ++i) {
      simulation.poll();
      oldest = std::max(oldest, simulation.age(simulation.job(id).vertices.at(kStateful).metrics));
    }
    return oldest;
  };
  const DurationMs before = oldest_of("job7");
  simulation.tell_little_but("job7");
  EXPECT_LE(4 * oldest_of("job7"), 3 * before);
  EXPECT_LE(oldest_of("job3"), 10 * kMinuteMs) << "they are looked at all the same";
}

TEST(Agenda, WhatIsRefusedIsAskedForEverMoreSeldom) {
  Simulation simulation(false);
  simulation.refuse(Errand::Ask::job_manager_metric_ids);
  simulation.add_job("job", kMinuteMs);
  for (int i = 0; i < 240; ++i) simulation.poll();
  EXPECT_GE(simulation.calls(Errand::Ask::job_manager_metric_ids), 8);
  EXPECT_LE(simulation.calls(Errand::Ask::job_manager_metric_ids), 12);
}

TEST(Agenda, AQuietClusterCostsAFractionOfTheBudget) {
  Simulation simulation;
  for (int i = 0; i < 3; ++i) simulation.add_job("job" + std::to_string(i), kMinuteMs);
  for (int i = 0; i < 12; ++i) simulation.poll();
  const int before = simulation.calls();
  for (int i = 0; i < 120; ++i) simulation.poll();
  EXPECT_LE(simulation.calls() - before, 10 * 15);  // TaskManagers 4, checkpoints 4, exceptions 4
}

}  // namespace
}  // namespace doctor::rest
