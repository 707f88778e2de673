#include "model/finding.hpp"

#include <array>

#include "model/text.hpp"

namespace doctor {

std::string Finding::id() const {
  const std::array<const std::string*, 7> parts{
      &subject.cluster,   &subject.namespace_, &subject.job_name, &subject.vertex,
      &subject.operator_, &subject.host,       &subject.process};
  std::string id = detector;
  for (const std::string* part : parts) {
    id.push_back('/');
    // '/' separates, so a name that holds one must not pretend to be two parts.
    for (const char c : printable(*part)) id.push_back(c == '/' ? '|' : c);
  }
  while (id.ends_with('/')) id.pop_back();
  return id;
}

}  // namespace doctor
