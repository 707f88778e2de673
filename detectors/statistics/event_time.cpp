#include "detectors/statistics/event_time.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr int kRecordMinutes = 2;
constexpr double kRecordsMin = 5;  // in these; fewer are a trickle, which may well have one time
constexpr double kHeldUpMin = 0.5;
constexpr double kAtWorkMin = 0.9;
constexpr DurationMs kLoadMs = 2 * kMinuteMs;
// A pause is a fault when it is so much longer than the habit of the one who pauses, and than that
// of its siblings.
constexpr DurationMs kOwnPauses = 2;
constexpr DurationMs kSiblingPauses = 3;
constexpr double kSlackMs = 1;
constexpr double kNever = -std::numeric_limits<double>::infinity();
constexpr std::size_t kUnseen = std::numeric_limits<std::size_t>::max();

/// Its last sample belongs to the tasks that run now.
bool is_of_now(const Moves& moves, const TimeRules& rules) {
  return moves.last().at >= rules.since;
}

void take(const Window& window, const Moves& moves, const TimeRules& rules, SubtaskTime& time) {
  if (!window.fresh(Metric::task_input_watermark, moves.last())) {
    if (is_of_now(moves, rules) && time.progress == Progress::none) time.progress = Progress::ended;
    return;
  }
  const bool known = time.progress == Progress::moving || time.progress == Progress::still;
  if (known && time.watermark <= moves.last().value) return;  // of a chain the least one counts
  time.watermark = moves.last().value;
  time.still_since = std::max(moves.moved_at(), rules.since);
  time.seen_at = moves.last().at;
  time.usual_pause_ms = moves.usual_pause_ms();
  time.moves = moves.count();
  // One look between two polls: what has not moved in between stands, for how long is not known.
  const bool still = window.one_shot
                         ? time.moves == 0
                         : time.seen_at - time.still_since >=
                               std::max(rules.still_ms, kOwnPauses * time.usual_pause_ms);
  time.progress = still ? Progress::still : Progress::moving;
}

/// What of the chain comes out of a subtask.
void take_emitted(const Window& window, const TimeRules& rules, SubtaskTime& time) {
  for (const EntityId op : window.entities->children(time.entity, Level::operator_)) {
    const Moves* moves = window.features->moves(Metric::operator_output_watermark, op);
    if (moves != nullptr) take(window, *moves, rules, time);
    if (const auto idle = window.latest(Metric::source_idle_time, op)) time.idle_ms = idle;
  }
}

void take_received(const Window& window, const TimeRules& rules, SubtaskTime& time) {
  const Moves* moves = window.features->moves(Metric::task_input_watermark, time.entity);
  if (moves != nullptr) take(window, *moves, rules, time);
}

/// Records sent in the last whole minutes, all of them later than the beginning of any stall.
std::optional<double> records_sent(const Window& window, EntityId subtask) {
  const MinuteRises* rises = window.features->minutes(Metric::task_records_out, subtask);
  if (rises == nullptr || !window.fresh(Metric::task_records_out, rises->last()))
    return std::nullopt;
  const TimestampMs to = rises->last().at / kMinuteMs * kMinuteMs;
  auto rate = rises->per_second(to - kRecordMinutes * kMinuteMs, to);
  if (rate) *rate *= 60.0 * kRecordMinutes;
  return rate;
}

/// Whether it sent records before the last minutes as well; also where nobody knows.
bool sent_before(const Window& window, const SubtaskTime& time) {
  const MinuteRises* rises = window.features->minutes(Metric::task_records_out, time.entity);
  if (rises == nullptr || !window.fresh(Metric::task_records_out, rises->last())) return true;
  const std::int64_t pauses_min = kOwnPauses * time.usual_pause_ms / kMinuteMs + 1;
  const std::int64_t to = rises->last().at / kMinuteMs - kRecordMinutes;
  const std::int64_t from = std::max(
      to - pauses_min, to + kRecordMinutes - static_cast<std::int64_t>(MinuteRises::kMinutes) + 2);
  return rises->per_second(from * kMinuteMs, to * kMinuteMs).value_or(1) > 0;
}

using Taker = void (*)(const Window&, const TimeRules&, SubtaskTime&);

std::vector<SubtaskTime> subtask_times(const Window& window, const JobFacts& job,
                                       const VertexFacts& vertex, const TimeRules& rules,
                                       Taker taker) {
  std::vector<SubtaskTime> times;
  for (const EntityId entity : subtasks_of(window, job, vertex)) {
    SubtaskTime& time = times.emplace_back();
    time.entity = entity;
    time.index = static_cast<int>(window.entities->at(entity).index);
    // What else is told of it now would also tell a watermark, if there were one.
    const auto counted = window.features->latest(Metric::task_records_out, entity);
    if (counted && window.fresh(Metric::task_records_out, *counted)) time.progress = Progress::none;
    taker(window, rules, time);
  }
  return times;
}

bool has_any(const std::vector<SubtaskTime>& times) {
  return std::any_of(times.begin(), times.end(), [](const SubtaskTime& time) {
    return time.progress == Progress::moving || time.progress == Progress::still;
  });
}

/// It takes its watermarks from others.
bool receives(const VertexTime& time) {
  return !time.makes_watermarks && !time.vertex->inputs.empty();
}

/// Whether there may be a stall: only then it matters what its makers do.
bool waits(const VertexTime& time) {
  return receives(time) &&
         std::any_of(time.subtasks.begin(), time.subtasks.end(), [](const auto& of) {
           return of.progress == Progress::none || of.progress == Progress::still;
         });
}

/// What a maker that does not get on does instead.
void add_work(const Window& window, const JobFacts& job, VertexTime& maker) {
  for (SubtaskTime& time : maker.subtasks) {
    time.records = records_sent(window, time.entity);
    time.flowed_before = sent_before(window, time);
  }
  const auto span = sample_span(window, job);
  if (!span) return;
  const DurationMs width =
      window.one_shot ? std::max<DurationMs>(1, span->newest - span->oldest) : kLoadMs;
  const VertexLoad load =
      load_of(window, job, *maker.vertex, {std::min(span->newest, window.now), width, 1});
  for (const SubtaskLoad& subtask : load.subtasks) {
    const auto time =
        std::find_if(maker.subtasks.begin(), maker.subtasks.end(),
                     [&](const SubtaskTime& of) { return of.entity == subtask.entity; });
    if (time != maker.subtasks.end()) time->shares = subtask.shares;
  }
}

/// For each vertex the makers of watermarks above it.
class Upstream {
 public:
  explicit Upstream(const std::vector<VertexTime>& times) : times_(times) {
    for (std::size_t i = 0; i < times.size(); ++i) indexes_[times[i].vertex->id] = i;
  }
  std::set<std::size_t> makers(std::size_t vertex) const {
    std::set<std::size_t> found;
    std::set<std::size_t> seen{vertex};
    std::vector<std::size_t> open{vertex};
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      for (const Edge& edge : times_[at].vertex->inputs) {
        const auto from = indexes_.find(edge.from);
        if (from == indexes_.end() || !seen.insert(from->second).second) continue;
        const VertexTime& above = times_[from->second];
        if (above.makes_watermarks || above.vertex->inputs.empty()) {
          found.insert(from->second);
        } else {
          open.push_back(from->second);
        }
      }
    }
    return found;
  }

 private:
  const std::vector<VertexTime>& times_;
  std::map<std::string, std::size_t> indexes_;
};

bool flows(const SubtaskTime& time) { return time.records && *time.records >= kRecordsMin; }

/// It would get on if it were let, or it works on a record that takes long.
bool is_held_up(const SubtaskTime& time, const TimeRules& rules) {
  if (flows(time)) return time.shares && time.shares->backpressured >= kHeldUpMin;
  const double still_ms = static_cast<double>(rules.still_ms);
  // One look does not tell for how long it has stood; the source's own clock does.
  if (rules.one_look && time.progress == Progress::still && time.idle_ms.value_or(0) < still_ms) {
    return true;
  }
  if (time.shares) {
    return time.shares->backpressured >= kHeldUpMin || time.shares->busy.value_or(0) >= kAtWorkMin;
  }
  return time.idle_ms && *time.idle_ms < still_ms / 2;
}

struct Makers {
  std::vector<HolderRef> movers, still, none;
  std::size_t unseen{0};
};

Makers makers_above(const std::vector<VertexTime>& times, const std::set<std::size_t>& vertices,
                    const TimeRules& rules) {
  Makers makers;
  for (const std::size_t vertex : vertices) {
    makers.unseen += times[vertex].unseen;
    for (std::size_t i = 0; i < times[vertex].subtasks.size(); ++i) {
      const Progress progress = times[vertex].subtasks[i].progress;
      // One with a few moves only has no pace that others could be measured by.
      if (progress == Progress::moving && times[vertex].subtasks[i].moves >= rules.moves_min) {
        makers.movers.push_back({vertex, i});
      }
      if (progress == Progress::still) makers.still.push_back({vertex, i});
      if (progress == Progress::none) makers.none.push_back({vertex, i});
    }
  }
  return makers;
}

const SubtaskTime& time_of(const std::vector<VertexTime>& times, const HolderRef& ref) {
  return times[ref.vertex].subtasks[ref.subtask];
}

/// So long must a pause last before it is none of theirs.
DurationMs pause_max(const std::vector<VertexTime>& times, const Makers& makers,
                     const TimeRules& rules) {
  std::vector<double> pauses;
  for (const HolderRef& mover : makers.movers) {
    pauses.push_back(static_cast<double>(time_of(times, mover).usual_pause_ms));
  }
  return std::max(rules.still_ms,
                  kSiblingPauses * static_cast<DurationMs>(median(pauses).value_or(0)));
}

/// A sibling got on long after it stopped, and has for some time. Where all stop at once, as at
/// night, the one that had its last record a little before the others holds nobody; nor does the
/// one whose first record in the morning comes a little later.
bool outlived(const std::vector<VertexTime>& times, const SubtaskTime& time, const Makers& makers,
              const TimeRules& rules) {
  const bool never = time.progress == Progress::none;
  return std::any_of(makers.movers.begin(), makers.movers.end(), [&](const HolderRef& ref) {
    const SubtaskTime& mover = time_of(times, ref);
    const bool long_after = never || mover.still_since - time.still_since >= rules.still_ms;
    return rules.one_look || (mover.flowed_before && long_after);
  });
}

std::optional<Stall> stall_of(const std::vector<VertexTime>& times, std::size_t receiver,
                              std::size_t subtask, const Makers& makers, const TimeRules& rules) {
  const SubtaskTime& waits = times[receiver].subtasks[subtask];
  const bool never = waits.progress == Progress::none;
  Stall stall{receiver, subtask, {}, makers.movers.size(), makers.still.size(), makers.unseen, {}};
  bool held_up = false;
  for (const HolderRef& mover : makers.movers) {
    const SubtaskTime& time = time_of(times, mover);
    stall.ahead = std::max(stall.ahead.value_or(time.watermark), time.watermark);
    held_up = held_up || (time.shares && time.shares->backpressured >= kHeldUpMin);
  }
  for (const HolderRef& ref : never ? makers.none : makers.still) {
    const SubtaskTime& time = time_of(times, ref);
    if (!never && time.watermark > waits.watermark + kSlackMs) continue;
    if (is_held_up(time, rules)) {
      held_up = true;
    } else if (outlived(times, time, makers, rules) || (!never && flows(time))) {
      stall.holders.push_back(ref);
    }
  }
  std::sort(stall.holders.begin(), stall.holders.end(),
            [&](const HolderRef& a, const HolderRef& b) {
              const SubtaskTime& of_a = time_of(times, a);
              const SubtaskTime& of_b = time_of(times, b);
              return std::pair(of_a.watermark, of_a.index) < std::pair(of_b.watermark, of_b.index);
            });
  // If all that make watermarks are seen and get on, something in between is slow.
  const bool may_hide = stall.unseen > 0 && !makers.movers.empty() && !held_up;
  if (stall.holders.empty() && !may_hide) return std::nullopt;
  return stall;
}

/// The first stall of a receiver's subtasks. After an exchange all of them wait for the same
/// minimum, so each watermark is looked at once.
std::optional<Stall> first_stall(const std::vector<VertexTime>& times, std::size_t receiver,
                                 const Makers& makers, const TimeRules& rules, TimestampMs now) {
  const DurationMs pause_ms = pause_max(times, makers, rules);
  std::set<double> looked_at;
  for (std::size_t i = 0; i < times[receiver].subtasks.size(); ++i) {
    const SubtaskTime& time = times[receiver].subtasks[i];
    const bool never = time.progress == Progress::none;
    if (!never && time.progress != Progress::still) continue;
    if (!rules.one_look && still_for(time, rules, now) < pause_ms) continue;
    if (!looked_at.insert(never ? kNever : time.watermark).second) continue;
    if (auto stall = stall_of(times, receiver, i, makers, rules)) return stall;
  }
  return std::nullopt;
}

}  // namespace

DurationMs still_for(const SubtaskTime& time, const TimeRules& rules, TimestampMs now) {
  return time.progress == Progress::none ? now - rules.since : time.seen_at - time.still_since;
}

std::vector<VertexTime> times_of(const Window& window, const JobFacts& job,
                                 const TimeRules& rules) {
  std::vector<VertexTime> times;
  for (const VertexFacts& vertex : job.vertices) {
    VertexTime& time = times.emplace_back();
    time.vertex = &vertex;
    const bool source = vertex.inputs.empty();
    if (!source) time.subtasks = subtask_times(window, job, vertex, rules, take_received);
    if (source || !has_any(time.subtasks)) {
      auto emitted = subtask_times(window, job, vertex, rules, take_emitted);
      time.makes_watermarks = has_any(emitted);
      if (source || time.makes_watermarks) time.subtasks = std::move(emitted);
    }
    const auto seen = static_cast<std::size_t>(
        std::count_if(time.subtasks.begin(), time.subtasks.end(),
                      [](const SubtaskTime& of) { return of.progress != Progress::unseen; }));
    const auto parallelism = static_cast<std::size_t>(std::max(0, vertex.parallelism));
    time.unseen = vertex.status == "FINISHED" ? 0 : parallelism - std::min(parallelism, seen);
  }
  if (std::none_of(times.begin(), times.end(), waits)) return times;
  for (VertexTime& time : times) {
    if (!receives(time)) add_work(window, job, time);
  }
  return times;
}

bool sees_watermarks(const Window& window, const JobFacts& job) {
  if (window.has_reporter("taskmanager")) return true;
  for (const VertexFacts& vertex : job.vertices) {
    for (const EntityId subtask : subtasks_of(window, job, vertex)) {
      if (window.latest(Metric::task_input_watermark, subtask)) return true;
      for (const EntityId op : window.entities->children(subtask, Level::operator_)) {
        if (window.latest(Metric::source_idle_time, op) ||
            window.latest(Metric::operator_output_watermark, op))
          return true;
      }
    }
  }
  return false;
}

std::vector<Stall> stalls_of(const std::vector<VertexTime>& times, const TimeRules& rules,
                             TimestampMs now) {
  const Upstream upstream(times);
  std::vector<Stall> stalls;
  std::set<std::size_t> blamed;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!receives(times[i])) continue;
    const std::set<std::size_t> above = upstream.makers(i);
    auto stall = first_stall(times, i, makers_above(times, above, rules), rules, now);
    if (!stall) continue;
    const std::size_t blame = stall->holders.empty() ? kUnseen : stall->holders.front().vertex;
    if (blamed.insert(blame).second) stalls.push_back(*std::move(stall));
  }
  return stalls;
}

}  // namespace doctor
