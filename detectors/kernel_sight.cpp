#include "detectors/kernel_sight.hpp"

#include <algorithm>

namespace doctor {

std::vector<std::string> probe_lines(std::span<const SourceHealth> sources) {
  const auto has = [&](SourceKind kind) {
    return std::any_of(sources.begin(), sources.end(),
                       [&](const SourceHealth& source) { return source.kind == kind; });
  };
  if (has(SourceKind::probe) || has(SourceKind::containers)) return {};
  if (has(SourceKind::kubernetes)) return {"clusters[].containers: [\"nodes:10250\"]"};
  return {"--probe HOST:9670"};
}

}  // namespace doctor
