// How large answers are, on the wire: as the largest of their kind were lately.
#pragma once

#include <algorithm>
#include <map>

#include "collectors/rest/agenda.hpp"

namespace doctor::rest {

class Bodies {
 public:
  /// Of a subtask on its vertex's page, as Flink 1.16 … 2.3 write it.
  static constexpr double kBytesPerSubtask = 640;

  /// `parts`: subtasks of a vertex whose page it is, else 1. 0: nobody knows yet.
  double expected(Errand::Ask ask, int parts) const {
    const auto known = per_part_.find(ask);
    if (known != per_part_.end()) return parts * known->second;
    return ask == Errand::Ask::vertex ? parts * kBytesPerSubtask : 0;
  }
  void learn(Errand::Ask ask, int parts, double bytes) {
    double& known = per_part_[ask];
    known = std::max(bytes / std::max(1, parts), known * 7 / 8);
  }

 private:
  std::map<Errand::Ask, double> per_part_;
};

}  // namespace doctor::rest
