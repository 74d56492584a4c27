// Rows 5, 8, 9, 18, 58, 60, I11, I13, I22, I26: no sequence of datagrams, of whatever frames, in
// whatever state, with credits and acknowledgements forged or replayed, breaks a session or the
// core behind it. What is behind the frame that ends a connection does nothing; what a session
// sends is the protocol, numbered without holes, within the window, each question answered once
// and each command ended once; and when the connection is over, nothing of it is left.
#include "session_world.hpp"

namespace {

using namespace vmsig;
using fuzz::world;

using op = void (*)(world&, fuzz::bytes&);

void drain(world& w, fuzz::bytes& in) { w.drain(1u + in.byte() % 16); }
void lose_one(world& w, fuzz::bytes&) { w.fill_in_vain(); }
void frames(world& w, fuzz::bytes& in) { w.say(in, false); }
void frames_and_an_end(world& w, fuzz::bytes& in) { w.say(in, true); }
void raw(world& w, fuzz::bytes& in) { w.say_raw(in); }
void spoilt(world& w, fuzz::bytes& in) { w.say_spoilt(in); }
void acknowledge(world& w, fuzz::bytes&) { w.acknowledge(); }
void forge(world& w, fuzz::bytes& in) { w.forge_acknowledgement(in.byte()); }
void turns(world& w, fuzz::bytes& in) { w.pass(milliseconds(in.byte() % 64)); }
void guest(world& w, fuzz::bytes& in) { w.let_guest_act(in.byte()); }
void host(world& w, fuzz::bytes& in) { w.let_host_act(in.byte()); }
void rival(world& w, fuzz::bytes& in) { w.let_rival_act(in.byte()); }
void ping(world& w, fuzz::bytes&) { w.ping(); }

constexpr op ops[] = {frames,      frames, frames,   frames, drain, drain,
                      acknowledge, turns,  guest,    host,   rival, forge,
                      raw,         ping,   lose_one, spoilt, turns, frames_and_an_end};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static world w;
    fuzz::bytes in{{data, size}};
    w.connect(in.byte());
    for (int n = 0; n < 200 && !in.empty() && w.open(); ++n) ops[in.byte() % std::size(ops)](w, in);
    w.finish();
    return 0;
}
