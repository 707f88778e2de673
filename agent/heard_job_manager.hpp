// Which of several JobManagers is heard. With high availability a standby has one, too,
// and all JobManagers are one entity: heard together they would be a process that is another one at
// every scrape.
#pragma once

#include <map>
#include <optional>

#include "model/batch.hpp"
#include "model/entity.hpp"

namespace doctor {

/// By their reporters, which tell who leads.
class HeardJobManager {
 public:
  /// Of a JobManager that has answered. Where none says that it leads, as in an election or where
  /// the reporter leaves such metrics out, it stays with whom it heard before.
  bool hears(SourceId source, bool leads) {
    if (leads || !heard_) heard_ = source;
    return heard_ == source;
  }
  /// It does not answer any more.
  void lost(SourceId source) {
    if (heard_ == source) heard_.reset();
  }

 private:
  std::optional<SourceId> heard_;
};

/// By the probes of their machines: none where there are several, since nothing tells which one
/// leads.
class ProbedJobManagers {
 public:
  /// Takes out of a probe's page what it tells of a JobManager when another machine's does, too.
  void filter(Batch& batch, const EntityTable& entities) {
    const EntityId job_manager = entities.find(Level::process, kClusterEntity, "jobmanager");
    bool tells = false;
    bool several = false;
    for (const auto& [source, other] : tell_)
      several = several || (other && source != batch.source);
    for (std::size_t i = 0; i < batch.values.size(); ++i) {
      const EntityId entity = batch.layout->keys[i].entity;
      const bool is_its = job_manager != kNoEntity &&
                          (entity == job_manager || entities.at(entity).parent == job_manager);
      tells = tells || is_its;
      if (is_its && several) batch.values[i] = kAbsent;
    }
    tell_[batch.source] = tells;
  }
  /// It does not answer any more.
  void lost(SourceId source) { tell_.erase(source); }

 private:
  std::map<SourceId, bool> tell_;
};

}  // namespace doctor
