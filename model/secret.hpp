// A password or token. It cannot be printed, streamed or compared by accident; the one way out is
// reveal(), which is easy to search for.
#pragma once

#include <string>
#include <utility>

namespace doctor {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace doctor
