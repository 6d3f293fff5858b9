/* Registers that this firmware uses (RM0468, also right for RM0433; RM0455 where said). Names as in ST's headers. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))

/* Flash interface, section 4.9 */
#define FLASH_ACR REG32(0x52002000u)
#define FLASH_ACR_LATENCY_2WS 0x22u /* AXI up to 200 MHz at VOS1, WRHIGHFREQ = LATENCY */

/* Power control, section 6.8 */
#define PWR_CSR1 REG32(0x58024804u)
#define PWR_CSR1_ACTVOSRDY (1u << 13)
#define PWR_CR3 REG32(0x5802480Cu)
#define PWR_CR3_SUPPLY_MASK 0x07u
#define PWR_CR3_UNCONFIGURED 0x06u
#define PWR_CR3_LDO 0x02u
#define PWR_D3CR REG32(0x58024818u)
#ifdef STM32H7AX
#define PWR_D3CR_VOS1 (2u << 14) /* SRDCR of RM0455 */
#else
#define PWR_D3CR_VOS1 (3u << 14)
#endif
#define PWR_D3CR_VOSRDY (1u << 13)

/* Reset and clock control, section 8.7 */
#define RCC_CR REG32(0x58024400u)
#define RCC_CR_PLL1ON (1u << 24)
#define RCC_CR_PLL1RDY (1u << 25)
#define RCC_CFGR REG32(0x58024410u)
#define RCC_CFGR_SW_PLL1 3u
#define RCC_CFGR_SWS_MASK (7u << 3)
#define RCC_CFGR_SWS_PLL1 (3u << 3)
#define RCC_D1CFGR REG32(0x58024418u)
#define RCC_D2CFGR REG32(0x5802441Cu)
#define RCC_D3CFGR REG32(0x58024420u)
#define RCC_PLLCKSELR REG32(0x58024428u)
#define RCC_PLLCFGR REG32(0x5802442Cu)
#define RCC_PLL1DIVR REG32(0x58024430u)
#define RCC_RSR REG32(0x580244D0u)
#define RCC_AHB4ENR REG32(0x580244E0u)
#define RCC_APB1LENR REG32(0x580244E8u)
#define RCC_APB1LENR_TIM2EN (1u << 0)
#define RCC_APB1LENR_USART3EN (1u << 18)

/* GPIO, section 11.4 */
#define GPIO_BASE(port) (0x58020000u + 0x400u * (port))
#define GPIO_MODER(port) REG32(GPIO_BASE(port) + 0x00u)
#define GPIO_PUPDR(port) REG32(GPIO_BASE(port) + 0x0Cu)
#define GPIO_IDR(port) REG32(GPIO_BASE(port) + 0x10u)
#define GPIO_BSRR(port) REG32(GPIO_BASE(port) + 0x18u)
#define GPIO_AFR(port, pin) REG32(GPIO_BASE(port) + 0x20u + 4u * ((pin) / 8u))
#define GPIO_MODE_INPUT 0u
#define GPIO_MODE_OUTPUT 1u
#define GPIO_MODE_ALTERNATE 2u
#define GPIO_PULL_UP 1u

/* TIM2, section 42.4 */
#define TIM2_CR1 REG32(0x40000000u)
#define TIM2_CR1_CEN (1u << 0)
#define TIM2_SR REG32(0x40000010u)
#define TIM2_SR_CC1IF (1u << 1)
#define TIM2_EGR REG32(0x40000014u)
#define TIM2_EGR_UG (1u << 0)
#define TIM2_CNT REG32(0x40000024u)
#define TIM2_PSC REG32(0x40000028u)
#define TIM2_ARR REG32(0x4000002Cu)
#define TIM2_CCR1 REG32(0x40000034u)

/* USART3, section 51.8 */
#define USART3_CR1 REG32(0x40004800u)
#define USART3_CR1_UE (1u << 0)
#define USART3_CR1_TE (1u << 3)
#define USART3_BRR REG32(0x4000480Cu)
#define USART3_ISR REG32(0x4000481Cu)
#define USART3_ISR_TXE (1u << 7)
#define USART3_TDR REG32(0x40004828u)

/* Independent watchdog, section 48.4 */
#define IWDG_KR REG32(0x58004800u)
#define IWDG_PR REG32(0x58004804u)
#define IWDG_RLR REG32(0x58004808u)
#define IWDG_KEY_START 0xCCCCu
#define IWDG_KEY_UNLOCK 0x5555u
#define IWDG_KEY_RELOAD 0xAAAAu

/* Core: DDI0403E B3.2 */
#define SCB_VTOR REG32(0xE000ED08u)
#define SCB_CCR REG32(0xE000ED14u)
#define SCB_CCR_IC (1u << 17)
#define SCB_ICIALLU REG32(0xE000EF50u)

#endif
