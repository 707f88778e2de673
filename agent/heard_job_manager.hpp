// Which of several JobManagers' reporters is heard. With high availability a standby has one, too,
// and all JobManagers are one entity: heard together they would be a process that is another one at
// every scrape.
#pragma once

#include <optional>

#include "model/batch.hpp"

namespace doctor {

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

}  // namespace doctor
