#include "agent/net/notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace doctor {
namespace {

/// A service manager's end. A leading '@' stands for the abstract namespace.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : name_(name), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    bound_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0;
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() {
    ::close(fd_);
    if (name_[0] != '@') ::unlink(name_.c_str());
    ::unsetenv("NOTIFY_SOCKET");
  }
  bool bound() const { return bound_; }
  std::string received() const {
    char text[256];
    const ssize_t count = ::recv(fd_, text, sizeof(text), MSG_DONTWAIT);
    return count < 0 ? "" : std::string(text, static_cast<std::size_t>(count));
  }

 private:
  std::string name_;
  int fd_;
  bool bound_{false};
};

TEST(Notify, TellsAPathSocket) {
  const Manager manager(testing::TempDir() + "doctor-notify-" + std::to_string(::getpid()));
  ASSERT_TRUE(manager.bound());
  EXPECT_TRUE(notify_service_manager("READY=1\nSTATUS=judging"));
  EXPECT_EQ(manager.received(), "READY=1\nSTATUS=judging");
}

TEST(Notify, TellsAnAbstractSocket) {
  const Manager manager("@doctor-notify-" + std::to_string(::getpid()));
  ASSERT_TRUE(manager.bound());
  EXPECT_TRUE(notify_service_manager("WATCHDOG=1"));
  EXPECT_EQ(manager.received(), "WATCHDOG=1");
}

TEST(Notify, IsFalseWhereNobodyListens) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(notify_service_manager("READY=1"));
  for (const std::string& name : {std::string("/nonexistent/notify"), std::string("relative"),
                                  std::string("@"), std::string(), "/" + std::string(200, 'x')}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    EXPECT_FALSE(notify_service_manager("READY=1")) << name;
  }
  ::unsetenv("NOTIFY_SOCKET");
}

TEST(Notify, DoesNotWaitForAFullQueue) {
  const Manager manager("@doctor-notify-full-" + std::to_string(::getpid()));
  ASSERT_TRUE(manager.bound());
  bool sent = true;
  for (int i = 0; i < 100'000 && sent; ++i) sent = notify_service_manager("WATCHDOG=1");
  EXPECT_FALSE(sent);
}

}  // namespace
}  // namespace doctor
