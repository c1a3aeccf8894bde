"""Clinical words and sentences of our own, from which notes are made."""

CONDITIONS = {
    "hypertension": ("HTN", "high blood pressure", "lisinopril 10 mg daily|amlodipine 5 mg daily|losartan 50 mg daily"),
    "type 2 diabetes mellitus": ("T2DM", "diabetes",
        "metformin 500 mg twice daily|glipizide 5 mg daily|insulin glargine 20 units at night"),
    "atrial fibrillation": ("AF", "irregular heartbeat",
        "apixaban 5 mg twice daily|warfarin 3 mg daily|bisoprolol 2.5 mg daily"),
    "chronic obstructive pulmonary disease": ("COPD", "chronic bronchitis",
        "tiotropium inhaler daily|albuterol inhaler as needed"),
    "asthma": ("asthma", "asthma",
        "albuterol inhaler as needed|beclometasone inhaler twice daily|montelukast 10 mg at night"),
    "coronary artery disease": ("CAD", "heart disease",
        "aspirin 81 mg daily|clopidogrel 75 mg daily|atorvastatin 80 mg daily"),
    "congestive heart failure": ("CHF", "heart failure",
        "furosemide 40 mg daily|carvedilol 6.25 mg twice daily|spironolactone 25 mg daily"),
    "hypothyroidism": ("hypothyroidism", "underactive thyroid",
        "levothyroxine 75 mcg daily|levothyroxine 100 mcg daily"),
    "chronic kidney disease stage 3": ("CKD 3", "kidney disease",
        "calcitriol 0.25 mcg daily|sodium bicarbonate 650 mg daily"),
    "gastroesophageal reflux disease": ("GERD", "acid reflux", "omeprazole 20 mg daily|famotidine 20 mg twice daily"),
    "major depressive disorder": ("MDD", "depression",
        "sertraline 50 mg daily|fluoxetine 20 mg daily|mirtazapine 15 mg at night"),
    "generalised anxiety disorder": ("GAD", "anxiety", "escitalopram 10 mg daily|buspirone 10 mg twice daily"),
    "rheumatoid arthritis": ("RA", "inflammatory arthritis",
        "methotrexate 15 mg weekly|hydroxychloroquine 200 mg daily"),
    "osteoarthritis of the knee": ("knee OA", "worn knee joint",
        "acetaminophen 1 g as needed|naproxen 250 mg twice daily"),
    "epilepsy": ("seizure disorder", "fits", "levetiracetam 500 mg twice daily|lamotrigine 100 mg twice daily"),
    "migraine": ("migraine", "migraine headaches", "sumatriptan 50 mg as needed|propranolol 40 mg twice daily"),
    "psoriasis": ("psoriasis", "psoriasis", "calcipotriol ointment daily|betamethasone cream as needed"),
    "gout": ("gout", "gout", "allopurinol 300 mg daily|colchicine 0.6 mg as needed"),
    "ulcerative colitis": ("UC", "bowel inflammation", "mesalamine 2.4 g daily|azathioprine 100 mg daily"),
    "coeliac disease": ("coeliac", "gluten intolerance", "gluten-free diet|vitamin D 1000 units daily"),
    "multiple sclerosis": ("MS", "multiple sclerosis",
        "dimethyl fumarate 240 mg twice daily|baclofen 10 mg three times daily"),
    "Parkinson disease": ("PD", "Parkinson's",
        "carbidopa-levodopa 25/100 three times daily|ropinirole 1 mg three times daily"),
    "obstructive sleep apnoea": ("OSA", "sleep apnoea", "CPAP at night"),
    "iron deficiency anaemia": ("IDA", "low iron", "ferrous sulfate 325 mg daily|vitamin C 250 mg daily"),
    "osteoporosis": ("osteoporosis", "thin bones", "alendronate 70 mg weekly|calcium carbonate 600 mg daily"),
    "sickle cell disease": ("SCD", "sickle cell", "hydroxyurea 1 g daily|folic acid 1 mg daily"),
    "hepatitis C": ("HCV", "hepatitis C", "completed direct-acting antivirals"),
    "hyperlipidaemia": ("HLD", "high cholesterol",
        "simvastatin 20 mg at night|rosuvastatin 10 mg daily|ezetimibe 10 mg daily"),
    "glaucoma": ("glaucoma", "raised eye pressure", "latanoprost eye drops at night|timolol eye drops twice daily"),
    "bipolar disorder": ("BPAD", "bipolar disorder", "lithium carbonate 900 mg daily|quetiapine 200 mg at night"),
    "benign prostatic hyperplasia": ("BPH", "enlarged prostate", "tamsulosin 0.4 mg daily|finasteride 5 mg daily"),
    "endometriosis": ("endometriosis", "endometriosis", "norethindrone 5 mg daily|ibuprofen 400 mg as needed"),
    "breast cancer": ("breast ca", "breast cancer", "tamoxifen 20 mg daily|anastrozole 1 mg daily"),
    "prostate cancer": ("prostate ca", "prostate cancer", "leuprolide every three months"),
    "systemic lupus erythematosus": ("SLE", "lupus", "hydroxychloroquine 400 mg daily|prednisone 5 mg daily"),
    "attention deficit hyperactivity disorder": ("ADHD", "attention deficit", "methylphenidate 18 mg daily"),
    "eczema": ("eczema", "dry itchy skin", "hydrocortisone cream as needed|emollient daily"),
    "allergic rhinitis": ("hay fever", "hay fever", "cetirizine 10 mg daily|fluticasone nasal spray daily"),
}  # fmt: skip
"""Condition -> (short form, in plain words, its drugs with doses, separated by bars)."""

CHILD_CONDITIONS = (
    "asthma", "eczema", "allergic rhinitis", "epilepsy", "coeliac disease", "attention deficit hyperactivity disorder",
    "sickle cell disease", "iron deficiency anaemia",
)  # fmt: skip
ONE_SEX = {"benign prostatic hyperplasia": "M", "prostate cancer": "M", "endometriosis": "F", "breast cancer": "F"}
PROCEDURES = (
    "appendectomy", "laparoscopic cholecystectomy", "left total knee replacement", "right total hip replacement",
    "coronary artery bypass graft", "tonsillectomy", "inguinal hernia repair", "cataract extraction, right eye",
    "lumbar discectomy", "carpal tunnel release", "below-knee amputation, left", "thyroidectomy", "pacemaker insertion",
    "rotator cuff repair", "open reduction of a radius fracture", "gastric bypass", "septoplasty", "splenectomy",
    "coronary stent to the left anterior descending artery", "excision of a basal cell carcinoma", "colectomy",
    "meniscus repair, right knee", "bunionectomy", "parotid biopsy", "kidney transplant", "arteriovenous fistula",
)  # fmt: skip
ALLERGIES = (
    "penicillin (rash)", "sulfa drugs (hives)", "codeine (nausea)", "latex", "shellfish", "peanuts", "iodine contrast",
    "ibuprofen (wheeze)", "erythromycin", "bee stings", "no known drug allergies", "no known drug allergies",
)  # fmt: skip
OCCUPATIONS = (
    "retired bus driver", "primary school teacher", "machinist", "night-shift nurse", "warehouse worker", "accountant",
    "carpenter", "farm worker", "chef in a hotel", "software tester", "long-haul truck driver", "hairdresser",
    "police officer", "violin teacher", "postal worker", "welder", "librarian", "security guard", "pharmacist",
    "beekeeper", "seamstress", "electrician", "call-centre agent", "retired miner", "dental assistant", "fisherman",
)  # fmt: skip
HABITS = (
    "never smoked", "quit smoking ten years ago", "smokes half a pack a day", "30 pack-years, still smoking",
    "drinks two beers a day", "no alcohol", "drinks wine at weekends", "in recovery from alcohol use, sober six years",
    "swims twice a week", "vapes daily", "walks with a cane", "uses a wheelchair outdoors", "lives on the third floor "
    "without a lift", "keeps two dogs", "cares for a disabled brother", "sings in a church choir", "vegetarian",
)  # fmt: skip
COMPLAINTS = {
    "chest pain": "troponin negative, ECG without acute change",
    "shortness of breath": "chest film without infiltrate",
    "abdominal pain": "lipase normal, ultrasound unremarkable",
    "headache": "no focal deficit, no neck stiffness",
    "a fall at home": "no fracture on plain films",
    "cough and fever": "started on amoxicillin for five days",
    "back pain": "no red flags, straight leg raise negative",
    "dizziness": "orthostatic readings normal",
    "swelling of the legs": "no evidence of deep vein thrombosis",
    "a rash on both arms": "topical steroid given",
    "a urinary infection": "nitrofurantoin for five days",
    "palpitations": "Holter monitor arranged",
    "a cut to the left hand": "five sutures placed, tetanus up to date",
    "sore throat": "rapid streptococcal test negative",
    "vomiting and diarrhoea": "oral rehydration, stool culture sent",
    "routine follow-up": "stable since the last visit",
    "medication review": "no change to treatment",
    "a twisted ankle": "bandage and rest advised",
}
RELATIVES = ("mother", "father", "sister", "brother", "maternal grandmother", "uncle")
EXAM = (
    "General: alert, no acute distress. HEENT: normocephalic, mucous membranes moist. Heart: regular rate and "
    "rhythm, no "
    "murmur. Lungs: clear to auscultation bilaterally. Abdomen: soft, not tender. Extremities: no oedema.",
    "On examination well, afebrile. Chest clear. Heart sounds normal. Abdomen soft. No ankle swelling. "
    "Neurologically intact.",
    "Vital signs reviewed and within normal limits. Oriented to person, place and time. Gait steady. Skin warm "
    "and dry.",
    "Review of systems: fourteen systems were reviewed and are negative other than as stated above.",
)  # fmt: skip
CLOSINGS = (
    "The patient was given return precautions and voiced understanding. All questions were answered.",
    "Please do not hesitate to contact this office with any question. Dictated but not read.",
    "Discharged home in stable condition. Follow up with primary care within one to two weeks.",
    "Results were discussed with the referring clinician. This report was signed electronically.",
    "Thank you for referring this pleasant patient to our clinic. We will review in three months.",
)
IMAGES = (
    ("chest radiograph, two views", "The heart is of normal size. The lungs are clear. No effusion or pneumothorax."),
    ("CT of the abdomen and pelvis", "The liver, spleen and pancreas are unremarkable. No free fluid."),
    ("MRI of the lumbar spine", "Mild disc desiccation at L4/5 without canal stenosis."),
    ("ultrasound of the right upper quadrant", "No gallstones. The common duct measures 4 mm."),
    ("radiograph of the left wrist", "No acute fracture. Alignment is preserved."),
    ("CT of the head without contrast", "No haemorrhage. The ventricles are of normal size."),
    ("mammogram, screening", "Scattered fibroglandular densities. No suspicious mass."),
)
