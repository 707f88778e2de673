#include "tests/detection/stage/flow.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace doctor::detection {
namespace {

constexpr DurationMs kStepMs = 5 * kSecondMs;
constexpr double kBusyNoise = 0.03;
constexpr double kHeldUpRest = 0.94;  // of the time it is not busy; the rest reads as idle
constexpr double kIdleNoise = 0.01;   // looks held up without being so
constexpr double kFull = 1 + 1e-9;

}  // namespace

Flow::Flow(std::vector<FlowVertex> vertices, std::function<double(TimestampMs)> arrivals,
           bool keeps_backlog, Random random)
    : arrivals_(std::move(arrivals)), keeps_backlog_(keeps_backlog), random_(random) {
  for (std::size_t v = 0; v < vertices.size(); ++v) {
    if (vertices[v].inputs.empty()) sources_.push_back(v);
  }
  for (std::size_t v = 0; v < vertices.size(); ++v) {
    Vertex& vertex = vertices_.emplace_back();
    vertex.plan = std::move(vertices[v]);
    vertex.per_source.assign(sources_.size(), 0);
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (sources_[s] == v) vertex.per_source[s] = 1;
      for (const std::size_t input : vertex.plan.inputs) {
        vertex.per_source[s] += vertices_[input].per_source[s] * vertices_[input].plan.out_ratio;
      }
    }
    find_fullest(vertex);
    vertex.counters.resize(vertex.plan.shares.size());
  }
  backlog_.assign(sources_.size(), 0);
}

void Flow::advance(TimestampMs to, bool running) {
  if (at_ == 0) at_ = to;
  while (at_ < to) {
    const DurationMs span = std::min(kStepMs, to - at_);
    const double seconds = static_cast<double>(span) / 1000;
    arriving_ = arrivals_(at_);
    if (running) {
      step(at_, seconds);
    } else if (keeps_backlog_) {
      for (double& waiting : backlog_) waiting += arriving_ * seconds;
    }
    at_ += span;
  }
}

void Flow::deal(std::size_t vertex, const std::vector<double>& shares) {
  vertices_[vertex].plan.shares = shares;
  find_fullest(vertices_[vertex]);
}

void Flow::reset() {
  for (Vertex& vertex : vertices_) {
    std::fill(vertex.counters.begin(), vertex.counters.end(), Counters{});
  }
}

double Flow::capacity(const Vertex& vertex, std::size_t subtask) {
  const FlowVertex& plan = vertex.plan;
  const double even = plan.capacity / static_cast<double>(plan.shares.size());
  const bool slowed = !plan.slowed_subtask || *plan.slowed_subtask == subtask;
  return even * plan.speeds[subtask] * (slowed ? vertex.factor : 1);
}

void Flow::find_fullest(Vertex& vertex) {
  vertex.fullest = 0;
  for (std::size_t i = 0; i < vertex.plan.shares.size(); ++i) {
    vertex.fullest = std::max(vertex.fullest, vertex.plan.shares[i] / capacity(vertex, i));
  }
}

double Flow::load(const Vertex& vertex, const std::vector<double>& rates) {
  double records = 0;
  for (std::size_t s = 0; s < rates.size(); ++s) records += rates[s] * vertex.per_source[s];
  return records;
}

void Flow::step(TimestampMs at, double seconds) {
  for (Vertex& vertex : vertices_) {
    vertex.binding = vertex.held_up = false;
    if (!vertex.plan.slowed) continue;
    vertex.factor = vertex.plan.slowed(at);
    find_fullest(vertex);
  }
  std::vector<double> rates(sources_.size(), arriving_);
  for (std::size_t s = 0; s < rates.size(); ++s) {
    if (backlog_[s] > arriving_) rates[s] = arriving_ + backlog_[s] / seconds;
  }
  share_out(rates);
  mark_held_up();
  count(seconds, rates);
  if (!keeps_backlog_) return;
  for (std::size_t s = 0; s < rates.size(); ++s) {
    backlog_[s] = std::max(0.0, backlog_[s] + (arriving_ - rates[s]) * seconds);
  }
}

/// Max-min fair: the fullest vertex settles the rates of all sources that reach it, then the next.
void Flow::share_out(std::vector<double>& rates) {
  std::vector<bool> settled(rates.size(), false);
  for (;;) {
    Vertex* fullest = nullptr;
    double most = kFull;
    for (Vertex& vertex : vertices_) {
      if (vertex.binding) continue;
      const double used = load(vertex, rates) * vertex.fullest;
      if (used > most) {
        most = used;
        fullest = &vertex;
      }
    }
    if (fullest == nullptr) return;
    double fixed = 0;
    double open = 0;
    for (std::size_t s = 0; s < rates.size(); ++s) {
      const double used = rates[s] * fullest->per_source[s] * fullest->fullest;
      (settled[s] ? fixed : open) += used;
    }
    fullest->binding = true;
    if (open <= 0) continue;
    const double factor = std::max(0.0, 1 - fixed) / open;
    for (std::size_t s = 0; s < rates.size(); ++s) {
      if (settled[s] || fullest->per_source[s] <= 0) continue;
      rates[s] *= factor;
      settled[s] = true;
    }
  }
}

void Flow::mark_held_up() {
  for (std::size_t v = vertices_.size(); v-- > 0;) {
    if (!vertices_[v].binding && !vertices_[v].held_up) continue;
    for (const std::size_t input : vertices_[v].plan.inputs) vertices_[input].held_up = true;
  }
}

void Flow::count(double seconds, const std::vector<double>& rates) {
  const double ms = 1000 * seconds;
  for (Vertex& vertex : vertices_) {
    const double records = load(vertex, rates);
    const FlowVertex& plan = vertex.plan;
    for (std::size_t i = 0; i < plan.shares.size(); ++i) {
      double busy = records * plan.shares[i] / capacity(vertex, i) * random_.around_one(kBusyNoise);
      if (!vertex.held_up) busy = std::max(busy, plan.busy_floor);
      busy = std::clamp(busy, 0.0, 1.0);
      const double rest = vertex.held_up ? kHeldUpRest : kIdleNoise * random_.uniform();
      Counters& counters = vertex.counters[i];
      counters.busy_ms += ms * busy;
      counters.backpressured_ms += ms * (1 - busy) * rest;
      counters.idle_ms += ms * (1 - busy) * (1 - rest);
      counters.records += records * plan.shares[i] * seconds;
    }
  }
}

bool Flow::limited() const {
  return std::any_of(vertices_.begin(), vertices_.end(), [](const Vertex& v) { return v.binding; });
}

double Flow::backlog_seconds() const {
  double most = 0;
  for (const double waiting : backlog_) most = std::max(most, waiting);
  return arriving_ > 0 ? most / arriving_ : 0;
}

SubtaskSeries Flow::series(std::size_t vertex) {
  SubtaskSeries series;
  series.vertex = vertex;
  series.metrics = {Metric::task_accumulated_busy, Metric::task_accumulated_backpressured,
                    Metric::task_accumulated_idle, Metric::task_records_in};
  series.fill = [this, vertex](int subtask, TimestampMs, double* values) {
    const Counters& counters = vertices_[vertex].counters[static_cast<std::size_t>(subtask)];
    values[0] = std::floor(counters.busy_ms);
    values[1] = std::floor(counters.backpressured_ms);
    values[2] = std::floor(counters.idle_ms);
    values[3] = std::floor(counters.records);
  };
  return series;
}

SubtaskSeries Flow::pending(std::size_t source) {
  const auto at = std::find(sources_.begin(), sources_.end(), source);
  SubtaskSeries series;
  series.vertex = source;
  series.operator_ = "Source";
  series.metrics = {Metric::source_pending_records};
  series.fill = [this, source, index = static_cast<std::size_t>(at - sources_.begin())](
                    int subtask, TimestampMs, double* values) {
    const double share = vertices_[source].plan.shares[static_cast<std::size_t>(subtask)];
    values[0] = std::floor(backlog_.at(index) * share);
  };
  return series;
}

}  // namespace doctor::detection
