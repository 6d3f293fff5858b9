// A Pico in rp2040js (npm), another emulator than the one that the twin uses: its serial port over TCP, and a chip on
// SWD that knows one register. node second_emulator.mjs RP2040JS BOOTROM FLASH SWCLK SWDIO; prints the port, then, when
// the host has gone, what came over the wire.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, bootrom, flash, swclkPin, swdioPin] = process.argv.slice(2);
const at = (name) => pathToFileURL(path.join(folder, 'dist/esm', name)).href;
const { SimulationClock } = await import(at('clock/simulation-clock.js'));
const { RP2040 } = await import(at('rp2040.js'));
const { USBCDC } = await import(at('usb/cdc.js'));
const { GPIOPinState } = await import(at('gpio-pin.js'));
const { ConsoleLogger, LogLevel } = await import(at('utils/logging.js'));

const DPIDR = 0x6ba02477; // of an STM32H7 (RM0468)
const OK = 0b001;
const READ_DPIDR = 0b10100101; // start, DP, read, A[3:2] = 0, parity, stop, park, LSB first

const CYCLE_NS = 8; // at 125 MHz
const SLICE_NS = 20e6;

const clock = new SimulationClock();
const mcu = new RP2040(clock);
mcu.logger = new ConsoleLogger(LogLevel.Error);
const words = fs.readFileSync(bootrom);
mcu.loadBootrom(new Uint32Array(words.buffer, words.byteOffset, words.length / 4));
mcu.flash.set(fs.readFileSync(flash));

// --- the chip: after 50 clocks with SWDIO high it listens; it answers reads of DPIDR, nothing else ---

const swclk = mcu.gpio[Number(swclkPin)];
const swdio = mcu.gpio[Number(swdioPin)];
const seen = { clocks: 0, resets: 0, answered: 0, refused: 0 };
let ones = 0;
let request = [];
let answer = null; // bits still to be given, one for each clock

function isDriven() {
  return swdio.value === GPIOPinState.High || swdio.value === GPIOPinState.Low;
}

function bitsOf(value, count) {
  return Array.from({ length: count }, (_, bit) => (value >>> bit) & 1);
}

function rose() {
  seen.clocks++;
  if (answer !== null) {
    if (answer.length > 0) swdio.setInputValue(answer.shift() === 1);
    else {
      answer = null;
      request = [];
      swdio.setInputValue(true); // its pull-up
    }
    return;
  }
  const bit = isDriven() ? (swdio.value === GPIOPinState.High ? 1 : 0) : 1;
  ones = bit ? ones + 1 : 0;
  if (ones >= 50) {
    seen.resets += ones === 50 ? 1 : 0;
    request = [];
    return;
  }
  if (request === null || (request.length === 0 && bit === 0)) return; // idle, or a sequence that it does not know
  request.push(bit);
  if (request.length < 8) return;
  const asked = request.reduce((sum, value, index) => sum | (value << index), 0);
  if (asked !== READ_DPIDR) {
    seen.refused++;
    request = null; // until the next line reset
    return;
  }
  seen.answered++;
  const parity = bitsOf(DPIDR, 32).reduce((sum, value) => sum ^ value, 0);
  answer = [...bitsOf(OK, 3), ...bitsOf(DPIDR, 32), parity];
}

for (const pin of mcu.gpio) pin.setInputValue(true);
swclk.setInputValue(false); // the chip's pulls: SWDIO up, SWCLK down
swclk.addListener((now, before) => {
  if (now === GPIOPinState.High && before === GPIOPinState.Low) rose();
});

// --- its own flash: rp2040js has no erase and no program; the bootrom's two functions are done in their place ---

function inRom(name) {
  const code = name.charCodeAt(0) | (name.charCodeAt(1) << 8);
  for (let at = words.readUInt16LE(0x14); words.readUInt16LE(at) !== 0; at += 4) {
    if (words.readUInt16LE(at) === code) return words.readUInt16LE(at + 2) & ~1;
  }
  throw new Error(`the bootrom has no function ${name}`);
}

const erase = inRom('RE');
const program = inRom('RP');

function doneInRom(core) {
  const [address, second, third] = core.registers;
  if (core.PC === erase) mcu.flash.fill(0xff, address, address + second);
  else for (let n = 0; n < third; n++) mcu.flash[address + n] &= mcu.readUint8(second + n);
  core.PC = core.LR & ~1;
}

// --- the serial port ---

const cdc = new USBCDC(mcu.usbCtrl);
let host = null;
const toBoard = [];
cdc.onSerialData = (data) => host?.write(Buffer.from(data));
const server = net.createServer((socket) => {
  host = socket;
  socket.on('data', (data) => toBoard.push(...data));
  socket.on('error', () => {});
  socket.on('close', () => {
    console.log(JSON.stringify(seen));
    process.exit(0);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// Emulated time never runs ahead of the wall's: a board that idles would take its host for lost.
function run() {
  const began = performance.now();
  const until = clock.nanos + SLICE_NS;
  while (toBoard.length > 0 && !cdc.txFIFO.full) cdc.sendSerialByte(toBoard.shift());
  while (clock.nanos < until) {
    if (mcu.core.waiting) clock.tick(Math.min(clock.nanosToNextAlarm || SLICE_NS, until - clock.nanos));
    else if (mcu.core.PC === erase || mcu.core.PC === program) doneInRom(mcu.core);
    else clock.tick(mcu.core.executeInstruction() * CYCLE_NS);
  }
  setTimeout(run, Math.max(0, SLICE_NS / 1e6 - (performance.now() - began)));
}

mcu.core.PC = 0x10000000;
run();
