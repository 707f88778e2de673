#include "agent/delivery/source_sentence.hpp"

#include "model/limits.hpp"

namespace doctor {

std::string unseen_sentence(const SourceHealth& source) {
  if (source.series_unseen == 0) return {};
  constexpr Limits kLimits;
  return std::to_string(source.series_unseen) + " series over the limit (" +
         std::to_string(kLimits.series_per_source_max) + " per source, " +
         std::to_string(kLimits.entities_per_cluster_max) +
         " entities per cluster) are not seen; fewer metrics under export and user_metrics leave "
         "room";
}

}  // namespace doctor
