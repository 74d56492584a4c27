// server, peer: one connection: a control towards the core, the host of its session, and the place
// where its descriptor is owned.
#pragma once

namespace vmsig {

template <class Core, authenticator Authenticator, class Calls>
class server<Core, Authenticator, Calls>::peer final : public session_host {
public:
    explicit peer(server& owner)
        : owner_{owner}
        , session{*this} {}

    // A control.

    void on_event(const event& e, control_handle) { session.on_event(e); }
    int fd() const { return socket.get(); }
    /// One that the kernel did not name gets what root would: nothing but sealed memory.
    std::uint32_t receiver_uid() const { return identity.uid == nobody ? 0 : identity.uid; }
    void on_ready(interests what, control_handle) {
        if (what.has(interest::hangup) || what.has(interest::error))
            return owner_.drop(*this, wire::farewell::by_request);
        if (what.has(interest::read)) owner_.receive(*this);
    }
    void flush(control_handle) { owner_.send(*this); }
    void take_back(const grant& g) { session.take_back(g); }
    void on_detached() { owner_.close(*this); }

    // The host of a session.

    expected<control_handle, wire::farewell> admit(const wire::hello& h) override {
        return owner_.admit(*this, h);
    }
    std::string_view name_of(endpoint_id e) const override { return owner_.bus_.name_of(e); }
    std::string_view name_of(kind k) const override { return owner_.bus_.name_of(k); }
    kind_traits traits_of(kind k) const override { return owner_.bus_.kind_traits_of(k); }

private:
    server& owner_;

public:
    static constexpr uid_t nobody = static_cast<uid_t>(-1);
    vmsig::session session;
    unique_fd socket;
    peer_identity identity;
    origin_id origin; ///< once it is attached
    watch_id greeting;
    instant connected;
    instant deadline; ///< of the greeting, or of the keepalive; 0: none
    instant retry;    ///< when to send again; 0: not for a reason of time
    bool pinged = false;
    wire::farewell why = wire::farewell::none;
};

} // namespace vmsig
