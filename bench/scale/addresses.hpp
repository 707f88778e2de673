// Where the generator's TaskManagers are.
#pragma once

#include <cstddef>
#include <string>

namespace doctor::bench {

inline std::string address_of(std::size_t target) {
  return "127.1." + std::to_string(target / 250) + "." + std::to_string(target % 250 + 1);
}

}  // namespace doctor::bench
