/** The messages everything is measured on, all invented: an admission, a referral and a long result. */

export interface Numbered {
  /** MSH-10, and what is derived from it in RF1-6 and PID-3. */
  readonly number: string
}

const PATIENT = (number: string): string =>
  `PID|1||S${number}^^^HH^MR||Ashgrove^Petronella^Wren^^Mrs||19430517|F|||14 Imagined Crescent^^Harbour City^^1010^NZL||^PRN^PH^^^09^5550142`

/** ADT^A01, about 0.6 KB. */
export const admission = (number = '1'): string =>
  text([
    `MSH|^~\\&|HARBOURPAS|HH|ONEDOOR|HARBOUR|20261121091500+1300||ADT^A01^ADT_A01|A${number}|P|2.5.1`,
    'EVN|A01|20261121091400+1300',
    PATIENT(number),
    'NK1|1|Ashgrove^Lionel^^^Mr|SPO^Spouse^HL70063|14 Imagined Crescent^^Harbour City^^1010|^PRN^PH^^^09^5550143',
    `PV1|1|I|W4^12^B^HH|E|||D4455^Lindqvist^Saoirse^^^Dr|||MED|||||||||V${number}^^^HH^VN|||||||||||||||||||||||||20261121090500+1300`,
    'AL1|1|DA^Drug allergy^HL70127|PENI^Penicillin^L|MO^Moderate^HL70128|Rash',
    'DG1|1||R54^Age-related physical debility^I10|||A',
  ])

/** REF^I12, about 1.6 KB: what a ward sends for a patient who goes home with nursing. */
export const referral = (number = '1'): string =>
  text([
    `MSH|^~\\&|HARBOURPAS|HH|ONEDOOR|HARBOUR|20261121091500+1300||REF^I12^REF_I12|R${number}|P|2.5.1`,
    `RF1|P^Pending^HL70283|A^ASAP^HL70280|NURSING^Nursing at home^L||O^Outpatient^HL70284|HH-${number}^HH|20261121091000+1300|||NURSING^Nursing at home^L`,
    'PRD|RP^Referring Provider^HL70286|Lindqvist^Saoirse^^^Dr|Ward 4^Harbour Hospital^Harbour City^^1010||^WPN^PH^^^09^5550100||D4455^HHSTAFF',
    'PRD|RT^Referred to Provider^HL70286|Home Nursing|||||HN-HARBOUR^L',
    PATIENT(number),
    'NK1|1|Ashgrove^Lionel^^^Mr|SPO^Spouse^HL70063|14 Imagined Crescent^^Harbour City^^1010|^PRN^PH^^^09^5550143',
    'DG1|1||399912005^Pressure ulcer^SCT|||A',
    'AL1|1|DA^Drug allergy^HL70127|PENI^Penicillin^L|MO^Moderate^HL70128|Rash',
    'OBX|1|NM|59408-5^Oxygen saturation^LN||95|%^percent^UCUM|||||F|||20261121081500+1300',
    'OBX|2|NM|8867-4^Heart rate^LN||84|/min^per minute^UCUM|||||F|||20261121081500+1300',
    'NTE|1||Lives with her husband, who is frail himself. Key safe by the side door; the dog is friendly.',
    'NTE|2||Dressing to be changed every other day; wound photographed on the ward before discharge.',
    `PV1|1|I|W4^12^B^HH|E|||D4455^Lindqvist^Saoirse^^^Dr|||MED|||||||||V${number}^^^HH^VN`,
  ])

const RESULTS = 640

/** ORU^R01, about 50 KB: one order with hundreds of results. */
export const longResult = (number = '1'): string =>
  text([
    `MSH|^~\\&|HARBOURLAB|HH|ONEDOOR|HARBOUR|20261121091500+1300||ORU^R01^ORU_R01|O${number}|P|2.5.1`,
    PATIENT(number),
    `OBR|1|P${number}^HARBOURPAS|F${number}^HARBOURLAB|PANEL^Extended panel^L|||20261121080000+1300|||||||||D4455^Lindqvist^Saoirse||||||20261121091000+1300||CH|F`,
    ...Array.from({ length: RESULTS }, (_, i) => {
      const value = (3 + (i % 70) / 10).toFixed(1)
      return `OBX|${i + 1}|NM|L${1000 + i}^Analyte number ${i}^L||${value}|mmol/L^^UCUM|3.5-5.3|N|||F|||20261121080000+1300`
    }),
  ])

const text = (segments: readonly string[]): string => segments.map((segment) => `${segment}\r`).join('')
