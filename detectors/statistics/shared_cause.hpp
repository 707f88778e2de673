// What several processes of a cluster show together has one cause, and is one finding.
#pragma once

#include <cstddef>
#include <vector>

#include "model/detector.hpp"

namespace doctor {

/// Where at least three TaskManagers and more than half of `judged` processes rise together, one
/// finding about the cluster takes the place of theirs: they share a cause.
std::vector<Finding> shared_or_single(const Window& window, std::vector<Finding> findings,
                                      std::size_t judged);

/// TaskManagers of one host share an identity: the worst of them speaks.
void add_worst_first(Verdict& verdict, std::vector<Finding> findings);

}  // namespace doctor
