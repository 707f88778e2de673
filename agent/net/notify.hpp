// sd_notify without libsystemd: READY=1, STATUS=…, WATCHDOG=1, STOPPING=1 to $NOTIFY_SOCKET.
#pragma once

#include <string>

namespace doctor {

/// False when there is no socket to tell (not under systemd) or the datagram could not be sent.
bool notify_service_manager(const std::string& message);

}  // namespace doctor
