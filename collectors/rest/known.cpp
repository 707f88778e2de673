#include "collectors/rest/known.hpp"

namespace doctor::rest {

TimestampMs KnownJob::still_since() const {
  TimestampMs sources = 0;
  TimestampMs others = 0;
  bool others_tell = false;
  for (const VertexFacts& facts_of : facts.vertices) {
    const auto known = vertices.find(facts_of.id);
    if (known == vertices.end() || !known->second.watermark) continue;
    const KnownVertex& vertex = known->second;
    const bool is_source = facts_of.inputs.empty();
    others_tell |= !is_source;
    TimestampMs& longest = is_source ? sources : others;
    if (!vertex.stands_still) continue;
    longest = longest == 0 ? vertex.watermark_at : std::min(longest, vertex.watermark_at);
  }
  return others_tell ? others : sources;
}

}  // namespace doctor::rest
