/** Who buys in the demo's shop, and what it sells. */
import type { Random } from './random.ts';

const GIVEN =
  `Ada Amara Anders Anneke Arjun Aylin Beatriz Bence Bilal Camille Carmen Chidi Chiara Dalia Daniel Deniz Elif
  Emeka Emre Esther Farah Femke Finn Freya Gabriel Giulia Grace Hana Hassan Helena Hugo Ibrahim Ines Ingrid Isla Ivan
  Jasper Joana Johanna Jonas Kaito Karim Katja Kofi Lars Layla Lea Leon Liam Lina Louis Lucía Maeve Magnus Maja Marco
  Mariam Mateo Maya Mei Mila Minh Nadia Naomi Nia Niels Noor Olga Oliver Omar Oscar Paula Petra Priya Rafael Rosa Ruth
  Sakura Samir Sanne Sara Sofia Soren Tariq Tessa Theo Thandi Tomas Uma Valentina Victor Wanjiru Yara Yusuf Zoë`.split(
    /\s+/,
  );
const FAMILY =
  `Abara Adeyemi Ahmed Almeida Andersen Aydin Bakker Baptiste Becker Bianchi Brandt Byrne Castillo Chowdhury
  Costa Dahl Daly Demir Diallo Dubois Eriksen Fischer Fontaine Fraser García Gruber Haddad Halvorsen Hansen Hoang Ito
  Ivanov Jansen Jensen Kamara Kaplan Kaur Keller Kimani Kovács Kowalski Larsen Lehmann Lindqvist Lopes Maas Mahmoud
  Marchetti Martín Mbeki Meyer Moreau Moretti Müller Murphy Nakamura Ndiaye Nguyen Novák Nyström Okafor Okonkwo Oliveira
  Olsen Osei Patel Peeters Pereira Petrov Quinn Rahman Reyes Ricci Rossi Ruiz Sato Schmidt Sharma Silva Simmons Sørensen
  Suzuki Takahashi Tanaka Thorne Tran Vargas Vermeer Visser Wagner Walsh Weber Wójcik Yilmaz Zimmermann`.split(/\s+/);

export interface Person {
  readonly name: string;
  readonly email: string;
}

/** `nth` makes the address one's own: it is no place that mail could go to. */
export const somebody = (random: Random, nth: number): Person => {
  const given = GIVEN[random.integer(0, GIVEN.length - 1)] ?? 'Ada';
  const family = FAMILY[random.integer(0, FAMILY.length - 1)] ?? 'Abara';
  const plain = `${given}.${family}`
    .replaceAll('ø', 'o')
    .normalize('NFD')
    .replaceAll(/[^\w.]/g, '')
    .toLowerCase();
  return { name: `${given} ${family}`, email: `${plain}${nth}@mail.example` };
};

/** What is sold, and its price in minor units of whatever currency. */
export const GOODS: readonly [readonly [string, number], ...(readonly [string, number])[]] = [
  ['linen notebook', 1450],
  ['dot-grid notebook', 1250],
  ['fountain pen', 3900],
  ['bottle of ink, blue-black', 980],
  ['box of pencils', 890],
  ['brass ruler', 1600],
  ['desk calendar', 1850],
  ['letter paper, 50 sheets', 1100],
  ['envelopes, 50', 720],
  ['washi tape, set of 5', 640],
  ['stamp with your name', 2450],
  ['leather case', 5400],
  ['poster, A2', 2200],
  ['framed print', 6800],
  ['greeting card', 350],
  ['gift wrap', 290],
];
