# DAP_Transfer, DAP_TransferBlock and DAP_WriteABORT (Arm's CMSIS-DAP document): where a debugger's bytes go through.

from struct import pack_into, unpack_from

from micropython import const

from rescuelink.errors import WireError

_OK = const(1)
_WAIT = const(2)
_FAULT = const(4)
_NO_ACK = const(7)
_PROTOCOL_ERROR = const(8)
_MISMATCH = const(0x10)
_ACKS = {"wait": _WAIT, "fault": _FAULT, "parity": _OK | _PROTOCOL_ERROR}
# A request: bits 2 and 3 are the register's address
_AP = const(1)
_READ = const(2)
_VALUE_MATCH = const(0x10)
_MATCH_MASK = const(0x20)
_TIME_STAMP = const(0x80)
_RDBUFF = const(12)
_REPLY_WORDS = const(15)
_MATCH_MS = const(2000)  # of a packet's waiting for values; the helper's watchdog allows for more
_WIRE_IDLES = const(8)  # what the wire clocks anyway


def transfer(probe, packet, reply):
    count = packet[2]
    reply[1], reply[2] = 0, _NO_ACK
    if not _is_whole(packet, count):
        reply[2] = _PROTOCOL_ERROR
        return 3
    if not probe.connected:
        return 3
    wire, idle = probe.wire, probe.idle_cycles - _WIRE_IDLES
    read, write = wire.read, wire.write
    at = end = 3
    done, ack, wrote = 0, _OK, False
    until = None
    try:
        while done < count:
            request = packet[at]
            at += 1
            register = request & 0x0C
            if request & (_VALUE_MATCH | _READ) == _READ:
                pack_into("<I", reply, end, read(request & _AP, register))
                end += 4
                wrote = False
            else:
                value = unpack_from("<I", packet, at)[0]
                at += 4
                if request & _READ:
                    if until is None:
                        until = probe.ports.clock.ms()
                    wrote = False
                    if not _matches(probe, request & _AP, register, value, until):
                        ack |= _MISMATCH
                        break
                elif request & _MATCH_MASK:
                    probe.match_mask = value
                else:
                    write(request & _AP, register, value)
                    wrote = True
            if idle > 0:
                wire.idle(idle)
            done += 1
        if wrote:
            read(0, _RDBUFF)  # whether the bus has taken the last one
    except WireError as error:
        ack = _ACKS.get(error.kind, _NO_ACK)
    reply[1], reply[2] = done, ack
    return end


def _is_whole(packet, count):
    # Whether the packet has all that it tells of, and its answer has room.
    end, words = 3, 0
    for _ in range(count):
        if end >= len(packet) or packet[end] & _TIME_STAMP:
            return False
        if packet[end] & (_VALUE_MATCH | _READ) == _READ:
            end += 1
            words += 1
        else:
            end += 5
    return end <= len(packet) and words <= _REPLY_WORDS


def _matches(probe, ap, register, value, start):
    clock, mask = probe.ports.clock, probe.match_mask
    for _ in range(probe.match_retries + 1):
        if probe.wire.read(ap, register) & mask == value:
            return True
        if clock.since_ms(start) >= _MATCH_MS:
            break
    return False


def block(probe, packet, reply):
    # What carries most of a debugger's bytes: a byte here and there costs less than a call that packs them.
    count, request = packet[2] | packet[3] << 8, packet[4]
    size = 4 * count
    reply[1] = reply[2] = 0
    reply[3] = _NO_ACK
    read = request & _READ
    if request & _TIME_STAMP or (count > _REPLY_WORDS if read else 5 + size > len(packet)):
        reply[3] = _PROTOCOL_ERROR
        return 4
    if not probe.connected or not count:
        return 4
    wire, idle = probe.wire, probe.idle_cycles - _WIRE_IDLES
    ap, register = request & _AP, request & 0x0C
    data = reply[4 : 4 + size] if read else packet[5 : 5 + size]
    move = wire.read_block if read else wire.write_block
    done, ack = 0, _OK
    try:
        if idle <= 0:
            move(ap, register, data)
            done = count
        else:
            for at in range(0, size, 4):
                move(ap, register, data[at : at + 4])
                wire.idle(idle)
                done += 1
        if not read:
            wire.read(0, _RDBUFF)
    except WireError as error:
        ack = _ACKS.get(error.kind, _NO_ACK)
        if done < count:
            done += error.done
    reply[1], reply[3] = done, ack  # never more than a packet has
    return 4 + 4 * done if read else 4


def write_abort(probe, packet, reply):
    if not probe.connected:
        reply[1] = 0xFF
        return 2
    probe.wire.write(0, 0, unpack_from("<I", packet, 2)[0])
    reply[1] = 0
    return 2
