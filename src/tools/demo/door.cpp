// door: making the folder, the socket and the server.
#include "door.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace demo {
namespace {

[[noreturn]] void fail(int error, const char* operation) {
    throw std::system_error{error, std::generic_category(), operation};
}

vmsig::listening_socket listen_at(const std::string& path) {
    auto made = vmsig::listening_socket::at(path, 0660);
    if (!made) fail(made.error().code, made.error().operation);
    return std::move(*made);
}

/// For its group, the socket is there to connect to and the folder to pass through.
void give_to_group(const std::string& path, gid_t group, mode_t mode) {
    if (::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0) fail(errno, "chown");
    if (::chmod(path.c_str(), mode) != 0) fail(errno, "chmod");
}

} // namespace

private_folder::private_folder()
    : path_{"/tmp/vmsig-demo-XXXXXX"} {
    if (!::mkdtemp(path_.data())) fail(errno, "mkdtemp");
    socket_ = path_ + "/socket";
}

private_folder::~private_folder() {
    ::unlink((socket_ + ".lock").c_str());
    ::rmdir(path_.c_str());
}

void private_folder::open_to(gid_t group) { give_to_group(path_, group, 0710); }

door::door(demo_core& bus, std::unique_ptr<private_folder> folder, uid_t user,
           const vmsig::grant& g)
    : keeper_{user, g}
    , folder_{std::move(folder)}
    , socket_{listen_at(folder_->socket())}
    , server_{bus, keeper_, socket_->take()} {
    if (user == ::geteuid()) return;
    give_to_group(folder_->socket(), user, 0660); // nobody's group has nobody's number
    folder_->open_to(user);
}

void door::close() {
    socket_.reset();
    folder_.reset();
}

} // namespace demo
