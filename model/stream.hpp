// The stream: everything right of the collectors is a fold over these values, in order. Live,
// replay and tests differ only in who makes them.
#pragma once

#include <variant>
#include <vector>

#include "model/batch.hpp"
#include "model/event.hpp"
#include "model/facts.hpp"
#include "model/log.hpp"
#include "model/pod.hpp"
#include "model/source.hpp"

namespace doctor {

struct Tick {
  TimestampMs at{};
};

using ClusterIndex = std::uint32_t;

struct StreamItem {
  ClusterIndex cluster{};
  TimestampMs at{};
  std::variant<Batch, ClusterFactsPtr, JobFactsPtr, SourceHealth, Event, Tick, LogEvent,
               KubernetesFactsPtr>
      what;
};

}  // namespace doctor
