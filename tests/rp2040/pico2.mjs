// A Pico 2 in rp2350js, its pins and buses over two pipes to whoever plays the board (pico2.py).
// node pico2.mjs RP2350JS FLASH CONFIG TO FROM: CONFIG is JSON with the numbers of the pins and buses that are wired, TO and
// FROM are the pipes' file descriptors.
//
// Each message to the board is one letter, the emulated time in ns (float64) and what the letter says; the board answers
// those that ask. Messages that do not ask wait in a buffer until one does, 1 ms at most.
//   D pin state        a pin is low, high, released, pulled up (uint8 each)
//   L                  asks for the levels of the pins that are not driven (uint32)
//   A channel          asks for a conversion (uint16)
//   X byte             asks for the byte that SPI receives meanwhile
//   W address n bytes  an I2C write (n: uint16);  R address asks for 16 bytes
//   U n bytes          what the board's USB serial port says (n: uint16)
//   T                  each ms: asks for edges of NRST (uint8), its level (uint8), and bytes for USB (uint16 and they)

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, flash, wired, toBoard, fromBoard] = process.argv.slice(2);
const at = (name) => pathToFileURL(path.join(folder, 'dist/esm', name)).href;
const { RP2350 } = await import(at('rp2350.js'));
const { USBCDC } = await import(at('usb/cdc.js'));
const { GPIOPinState } = await import(at('gpio-pin.js'));
const { WaitType } = await import(at('peripherals/pio.js'));
const { ConsoleLogger, LogLevel } = await import(at('utils/logging.js'));

const TO_BOARD = Number(toBoard);
const FROM_BOARD = Number(fromBoard);
const CORE_HZ = 150e6;
const PERIPHERAL_HZ = 48e6;
const TICK_NS = 1e6;
const I2C_BYTE_NS = 22_500; // nine bits at 400 kHz
const pins = JSON.parse(wired);

const mcu = new RP2350({ coreArch: 'arm' });
mcu.logger = new ConsoleLogger(LogLevel.Error);
mcu.clkSys = CORE_HZ; // as MicroPython sets them; the emulator keeps what it has
mcu.clkPeri = PERIPHERAL_HZ;
mcu.flash.set(fs.readFileSync(flash));
mcu.reset();
const clock = mcu.clock;

// --- messages ---

const out = Buffer.alloc(64 * 1024);
let length = 0;

function say(letter, bytes = []) {
  if (length + 9 + bytes.length > out.length) flush();
  out[length] = letter.charCodeAt(0);
  out.writeDoubleLE(clock.nanos, length + 1);
  out.set(bytes, length + 9);
  length += 9 + bytes.length;
}

function flush() {
  for (let done = 0; done < length; ) done += fs.writeSync(TO_BOARD, out, done, length - done);
  length = 0;
}

function read(count) {
  const answer = Buffer.alloc(count);
  for (let done = 0; done < count; ) {
    const got = fs.readSync(FROM_BOARD, answer, done, count - done, null);
    if (got === 0) process.exit(0); // the board has gone
    done += got;
  }
  return answer;
}

function ask(letter, bytes, count) {
  say(letter, bytes);
  flush();
  return read(count);
}

// --- pins ---

const STATES = {
  [GPIOPinState.Low]: 0,
  [GPIOPinState.High]: 1,
  [GPIOPinState.Input]: 2,
  [GPIOPinState.InputPullUp]: 3,
  [GPIOPinState.InputPullDown]: 2,
};
let changes = 0; // of any pin: between them SWDIO stays as it is
let seenAt = -1;
let levels = 0;

function look() {
  if (seenAt !== changes) {
    levels = ask('L', [], 4).readUInt32LE(0);
    seenAt = changes;
  }
  return levels;
}

for (const number of pins.outputs) {
  mcu.gpio[number].addListener((state) => {
    changes++;
    say('D', [number, STATES[state]]);
  });
}
for (const pin of mcu.gpio) {
  const listens = pins.inputs.includes(pin.index);
  Object.defineProperty(pin, 'inputValue', {
    get: () => (pin.outputEnable ? pin.outputValue : listens ? ((look() >>> pin.index) & 1) === 1 : false),
  });
}

// --- buses ---

const adc = mcu.adc;
const convert = adc.onADCRead;
adc.onADCRead = (channel) => {
  if (channel < 4) adc.channelValues[channel] = ask('A', [channel], 2).readUInt16LE(0);
  convert(channel);
};

const spi = mcu.spi[pins.spi];
let received = 0;
const exchanged = clock.createAlarm(() => spi.completeTransmit(received));
spi.onTransmit = (value) => {
  received = ask('X', [value], 1)[0];
  exchanged.schedule(8e9 / (spi.clockFrequency || 1e6));
};

const i2c = mcu.i2c[pins.i2c];
let address = 0;
let sent = [];
let answer = null;
let then = () => {};
const byteDone = clock.createAlarm(() => then());
function afterByte(what) {
  then = what;
  byteDone.schedule(I2C_BYTE_NS);
}
function endOfWrite() {
  if (sent.length > 0) say('W', [address, sent.length & 0xff, sent.length >> 8, ...sent]);
  sent = [];
}
i2c.onStart = () => {
  endOfWrite();
  i2c.completeStart();
};
i2c.onConnect = (to) => {
  address = to;
  answer = null;
  afterByte(() => i2c.completeConnect(pins.addresses.includes(to)));
};
i2c.onWriteByte = (value) => {
  sent.push(value);
  afterByte(() => i2c.completeWrite(true));
};
i2c.onReadByte = () => {
  answer ??= [...ask('R', [address], 16)];
  const value = answer.shift() ?? 0xff;
  afterByte(() => i2c.completeRead(value));
};
i2c.onStop = () => {
  endOfWrite();
  i2c.completeStop();
};

const cdc = new USBCDC(mcu.usbCtrl);
const toUsb = [];
cdc.onSerialData = (data) => say('U', [data.length & 0xff, data.length >> 8, ...data]);

// --- its own flash: the bootrom's two functions are done in their place ---

function inRom(name) {
  const rom = new DataView(mcu.bootrom.buffer, mcu.bootrom.byteOffset);
  for (let entry = rom.getUint16(0x14, true); rom.getUint16(entry, true) !== 0; ) {
    const flags = rom.getUint16(entry + 2, true);
    const values = [...Array(16).keys()].filter((bit) => (flags >> bit) & 1);
    const secure = values.indexOf(2); // the Arm core's, among those of either core
    const code = String.fromCharCode(rom.getUint8(entry), rom.getUint8(entry + 1));
    if (code === name) return rom.getUint16(entry + 4 + 2 * secure, true) & ~1;
    entry += 4 + 2 * values.length;
  }
  throw new Error(`the bootrom has no function ${name}`);
}

const erase = inRom('RE');
const program = inRom('RP');

function doneInRom(core) {
  const [first, second, third] = core.regs.r;
  if (core.PC === erase) mcu.flash.fill(0xff, first, first + second);
  else for (let n = 0; n < third; n++) mcu.flash[first + n] &= mcu.readUint8(second + n);
  core.PC = core.regs.r[14] & ~1;
}

// --- what rp2350js 2.0.1 gets wrong of the firmware's instructions, done in its place ---
// The GPIO coprocessor: it decodes others than the SDK writes (hardware/gpio_coproc.h). Loads, stores and moves of the FPU's
// doubles (Armv8-M: coprocessor 11): it moves the low half only, and the SDK's timers lose their entries by that.

const OUT = 0x10; // SIO registers; the same of the output enables lie 0x20 further
const [PUT, XOR, SET, CLEAR] = [0x00, 0x18, 0x08, 0x10]; // from there: as is, what changes, what is set, what is cleared
const GPIO_IN = 0x04;
const CYCLES = 1;

function doneInItsPlace(core) {
  const head = mcu.readUint16(core.PC);
  if ((head & 0xfc00) !== 0xec00) return false;
  const tail = mcu.readUint16(core.PC + 2);
  const coprocessor = (tail >> 8) & 0xf;
  const act = coprocessor === 0 ? gpio(head, tail) : coprocessor === 11 ? doubles(core, head, tail) : null;
  if (!act) return false;
  if (core.interruptsUpdated && core.checkForInterrupts()) return true;
  act(core.regs.r);
  core.PC += 4;
  core.cycles += CYCLES;
  return true;
}

function gpio(head, tail) {
  const both = (head & 0xffe0) === 0xec40; // MCRR, MRRC: two registers
  if (!both && ((head & 0xff00) !== 0xee00 || !(tail & 0x10))) return null; // MCR, MRC: one
  const operation = both ? (tail >> 4) & 0xf : (head >> 5) & 7;
  const bank = tail & 0xf; // 0: outputs, 4: output enables, 8: inputs; odd: pins from 32 on, which this board has not
  const at = OUT + (bank & 4 ? 0x20 : 0);
  const [rt, rt2] = [tail >> 12, head & 0xf];
  if (head & 0x10) {
    return (r) => {
      r[rt] = bank & 1 ? 0 : mcu.sio.readUint32(bank & 8 ? GPIO_IN : at, 0);
      if (both) r[rt2] = 0;
    };
  }
  return (r) => {
    const write = (register, value) => mcu.sio.writeUint32(at + register, value >>> 0, 0);
    const isSet = both ? r[rt2] & 1 : 1;
    if (bank & 1) return;
    if (operation < 4) write([PUT, XOR, SET, CLEAR][operation], r[rt]);
    else if (operation === 4) write(isSet ? SET : CLEAR, 1 << r[rt]);
    else if (isSet) write([XOR, SET, CLEAR][operation - 5], 1 << r[rt]);
  };
}

function doubles(core, head, tail) {
  const words = new Uint32Array(core.regs.s.buffer, core.regs.s.byteOffset, core.regs.s.length);
  const numbered = (high, low) => 2 * ((high << 4) | low);
  const loads = (head & 0x10) !== 0;
  const rn = head & 0xf;
  if ((head & 0xffe0) === 0xec40) {
    const [at, rt] = [numbered((tail >> 5) & 1, tail & 0xf), tail >> 12];
    return (r) => {
      if (loads) [r[rt], r[rn]] = [words[at], words[at + 1]];
      else [words[at], words[at + 1]] = [r[rt], r[rn]];
    };
  }
  if (head & 0x0200) return null; // arithmetic
  const at = numbered((head >> 6) & 1, tail >> 12);
  const [up, writes, alone] = [head & 0x80, head & 0x20, (head & 0x120) === 0x100];
  const bytes = (tail & 0xff) * 4;
  return (r) => {
    const base = rn === 15 ? (core.PC + 4) & ~3 : r[rn];
    const first = (up ? base + (alone ? bytes : 0) : base - bytes) >>> 0;
    for (let n = 0; n < (alone ? 2 : bytes / 4); n++) {
      if (loads) words[at + n] = mcu.readUint32(first + 4 * n);
      else mcu.writeUint32(first + 4 * n, words[at + n]);
    }
    if (writes) r[rn] = up ? base + bytes : base - bytes;
  };
}

// On the chip a machine that stands at an empty FIFO says so in FDEBUG for as long; the emulator says it once.
const FDEBUG = 0x08;
const TX_STALL = 24; // and three bits above it: one for each machine
const isStarved = (machine) => machine.waiting && machine.waitType === WaitType.txFIFO && machine.txFIFO.empty;

for (const pio of mcu.pio) {
  const readUint32 = pio.readUint32.bind(pio);
  pio.readUint32 = (register) => {
    if (register === FDEBUG) {
      for (const machine of pio.machines) if (machine.enabled && isStarved(machine)) pio.fdebug |= 1 << (TX_STALL + machine.index);
    }
    return readUint32(register);
  };
}

// --- running ---

mcu.watchdog.onWatchdogTrigger = () => {
  console.error('the watchdog has bitten');
  process.exit(3);
};

const tick = clock.createAlarm(() => {
  seenAt = -1; // the unit moves on by itself
  const told = ask('T', [], 4);
  const nrst = mcu.gpio[pins.nrst];
  for (let n = 0; n < told[0]; n++) {
    nrst.setInputValue(true);
    nrst.setInputValue(false);
  }
  nrst.setInputValue(told[1] === 1);
  toUsb.push(...read(told.readUInt16LE(2)));
  while (toUsb.length > 0 && !cdc.txFIFO.full) cdc.sendSerialByte(toUsb.shift());
  tick.schedule(TICK_NS);
});
tick.schedule(TICK_NS);

const [first, second] = mcu.core;
const cycleNs = 1e9 / CORE_HZ;
const isFed = (machine) => machine.enabled && !isStarved(machine);

for (;;) {
  const atWork = mcu.pio.filter((pio) => pio.machines.some(isFed));
  if (first.waiting && second.waiting && atWork.length === 0) {
    const idleNs = clock.nanosToNextAlarm || TICK_NS;
    first.cycles += Math.round(idleNs / cycleNs);
    second.cycles = first.cycles;
    clock.tick(idleNs);
    continue;
  }
  if (first.PC === erase || first.PC === program) doneInRom(first);
  mcu.currentCore = 0;
  const cycles = doneInItsPlace(first) ? CYCLES : first.executeInstruction();
  if (second.waiting) second.cycles = first.cycles;
  mcu.currentCore = 1;
  while (second.cycles < first.cycles) second.executeInstruction();
  for (const pio of atWork) for (let n = 0; n < cycles; n++) pio.step();
  clock.tick(cycles * cycleNs);
}
