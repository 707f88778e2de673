#include "model/feature.hpp"

#include <algorithm>

namespace doctor {

void Plateaus::cut(TimestampMs at) {
  if (size_ == 0) return;  // no level seen yet that this submission could have changed
  Plateau& open = plateaus_[(start_ + size_ - 1) % kPlateausMax];
  if (open.samples == 0) {
    ++open.events;
    return;
  }
  restore(Plateau{at, 1, 0, 0, 0});
}

void Plateaus::restore(const Plateau& plateau) {
  if (size_ == kPlateausMax) {
    start_ = (start_ + 1) % kPlateausMax;
    --size_;
    ++dropped_;
  }
  plateaus_[(start_ + size_) % kPlateausMax] = plateau;
  ++size_;
}

void Plateaus::add(const Sample& sample) {
  if (size_ == 0) {
    plateaus_[start_] = Plateau{sample.at, 0, 0, 0, 0};
    size_ = 1;
  }
  Plateau& open = plateaus_[(start_ + size_ - 1) % kPlateausMax];
  open.min = open.samples == 0 ? sample.value : std::min(open.min, sample.value);
  open.last = sample.value;
  ++open.samples;
}

}  // namespace doctor
