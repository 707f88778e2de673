#include "model/reporter_name.hpp"

#include <gtest/gtest.h>

#include <string>

#include "model/text.hpp"

namespace doctor {
namespace {

TEST(ReporterName, MeetsRestsNameByteByByte) {
  for (int code = 0; code < 256; ++code) {
    const std::string name = std::string("tm-1") + static_cast<char>(code) + "9:é";
    EXPECT_TRUE(is_filtered_to(name, reporter_filtered(name))) << code;
  }
  EXPECT_EQ(reporter_filtered("127.0.0.1:6122-82ace3"), "127_0_0_1:6122_82ace3");
}

TEST(ReporterName, IsNoPrefixAndNoOther) {
  EXPECT_FALSE(is_filtered_to("tm-1", "tm_12"));
  EXPECT_FALSE(is_filtered_to("tm-12", "tm_1"));
  EXPECT_FALSE(is_filtered_to("tm-1", "tm-1")) << "a reporter never writes this";
  EXPECT_FALSE(is_filtered_to("", "tm_1"));
  EXPECT_TRUE(is_filtered_to("", ""));
}

}  // namespace
}  // namespace doctor
