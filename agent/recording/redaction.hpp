// Redaction: what a recording must not tell. Secrets never enter; on demand names of people's own
// making and free texts become pseudonyms, the same all through one recording.
#pragma once

#include "agent/recording/pseudonym.hpp"
#include "agent/recording/record.hpp"

namespace doctor {

class Redaction {
 public:
  /// `names`: these too, and not only secrets.
  explicit Redaction(bool names) : names_(names) {}

  void apply(Record& record) const;

 private:
  bool names_;
  Pseudonyms pseudonyms_;
};

}  // namespace doctor
