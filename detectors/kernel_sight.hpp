// Where the kernel's side of Flink's processes could be seen: memory, descriptors, limits.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/source.hpp"

namespace doctor {

/// Kubelets where pods are watched, else a probe. None where either is asked already: that it does
/// not answer is said of the source.
std::vector<std::string> probe_lines(std::span<const SourceHealth> sources);

}  // namespace doctor
