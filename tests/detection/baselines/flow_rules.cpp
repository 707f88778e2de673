// Walks to the cause of backpressure that others publish: the busiest vertex, or the first that is
// not held up behind the last that is. All wait for the same symptom: a vertex held up at least a
// tenth of the time, for five minutes less the scrape.
#include <algorithm>
#include <map>
#include <optional>

#include "tests/detection/baselines/baselines.hpp"
#include "tests/detection/baselines/rule.hpp"

namespace doctor::detection {
namespace {

enum class Walk { busiest_on_average, busiest_subtask, after_last_held_up };

class FlowRule final : public Rule {
 public:
  FlowRule(const EntityTable& entities, Walk walk) : Rule("backpressure", entities), walk_(walk) {}

 private:
  static constexpr double kHeldUp = 0.10;
  static constexpr DurationMs kSymptomMs = 3 * kMinuteMs;

  struct Shares {
    double busy_mean{0}, busy_max{0}, held_up_max{0};
    int subtasks{0};
  };
  struct Counter {
    double busy{0}, held_up{0};
    double busy_before{0}, held_up_before{0};
    TimestampMs at{0}, before{0};
  };

  void take(const SeriesKey& key, double value, TimestampMs at) override {
    const bool busy = key.metric == Metric::task_accumulated_busy;
    if (!busy && key.metric != Metric::task_accumulated_backpressured) return;
    Counter& counter = counters_[key.entity];
    if (counter.at != at) {
      counter.before = counter.at;
      counter.busy_before = counter.busy;
      counter.held_up_before = counter.held_up;
      counter.at = at;
    }
    (busy ? counter.busy : counter.held_up) = value;
  }
  void take(const JobFacts&, TimestampMs) override {}

  void judge(TimestampMs now) override {
    for (const auto& [id, job] : jobs()) {
      const std::vector<Shares> shares = shares_of(*job, now);
      const bool symptom = std::any_of(shares.begin(), shares.end(),
                                       [](const Shares& s) { return s.held_up_max >= kHeldUp; });
      TimestampMs& since = since_[job->name];
      if (!symptom) {
        since = 0;
        told_.erase(job->name);
        continue;
      }
      if (since == 0) since = now;
      if (now - since < kSymptomMs || told_[job->name]) continue;
      told_[job->name] = true;
      Subject subject;
      subject.job_name = job->name;
      if (const auto culprit = walk(*job, shares)) subject.vertex = job->vertices[*culprit].name;
      state(subject, true, now, 0);
      state(subject, false, now, 0);
    }
  }

  std::vector<Shares> shares_of(const JobFacts& job, TimestampMs now) const {
    std::vector<Shares> all;
    const EntityId of_job = entities().find(Level::job, kClusterEntity, job.id);
    for (const VertexFacts& vertex : job.vertices) {
      Shares shares;
      const EntityId of_vertex = entities().find(Level::vertex, of_job, vertex.id);
      for (int s = 0; s < vertex.parallelism; ++s) {
        const auto found = counters_.find(
            entities().find(Level::subtask, of_vertex, "", static_cast<std::uint32_t>(s)));
        if (found == counters_.end() || found->second.at != now || found->second.before == 0) {
          continue;
        }
        const Counter& counter = found->second;
        const auto span = static_cast<double>(counter.at - counter.before);
        const double busy = std::max(0.0, counter.busy - counter.busy_before) / span;
        const double held_up = std::max(0.0, counter.held_up - counter.held_up_before) / span;
        ++shares.subtasks;
        shares.busy_mean += busy;
        shares.busy_max = std::max(shares.busy_max, busy);
        shares.held_up_max = std::max(shares.held_up_max, held_up);
      }
      if (shares.subtasks > 0) shares.busy_mean /= shares.subtasks;
      all.push_back(shares);
    }
    return all;
  }

  std::optional<std::size_t> walk(const JobFacts& job, const std::vector<Shares>& shares) const {
    if (walk_ == Walk::after_last_held_up) return after_last_held_up(job, shares);
    const auto less = [&](const Shares& a, const Shares& b) {
      return walk_ == Walk::busiest_subtask ? a.busy_max < b.busy_max : a.busy_mean < b.busy_mean;
    };
    const auto most = std::max_element(shares.begin(), shares.end(), less);
    if (most == shares.end()) return std::nullopt;
    return static_cast<std::size_t>(most - shares.begin());
  }

  /// Vertices come in the order of the plan, inputs first.
  static std::optional<std::size_t> after_last_held_up(const JobFacts& job,
                                                       const std::vector<Shares>& shares) {
    for (std::size_t v = shares.size(); v-- > 0;) {
      if (shares[v].held_up_max >= kHeldUp) continue;
      for (const Edge& edge : job.vertices[v].inputs) {
        for (std::size_t from = 0; from < v; ++from) {
          if (job.vertices[from].id == edge.from && shares[from].held_up_max >= kHeldUp) return v;
        }
      }
    }
    return std::nullopt;
  }

  Walk walk_;
  std::map<EntityId, Counter> counters_;
  std::map<std::string, TimestampMs> since_;  // the symptom, by job name
  std::map<std::string, bool> told_;
};

template <Walk walk>
std::unique_ptr<Watch> make(const EntityTable& entities) {
  return std::make_unique<FlowRule>(entities, walk);
}

}  // namespace

namespace baselines {
const Baseline busiest_on_average{"max average busy", "backpressure", "folklore",
                                  make<Walk::busiest_on_average>};
const Baseline busiest_subtask{"max subtask busy", "backpressure", "Flink's web page, by eye",
                               make<Walk::busiest_subtask>};
const Baseline after_last_held_up{"first behind the held up", "backpressure",
                                  "FLINK-20718, Flink's documentation",
                                  make<Walk::after_last_held_up>};
}  // namespace baselines

}  // namespace doctor::detection
